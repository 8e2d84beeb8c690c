#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

// What parses prints, and prints the same again; any bytes can be quoted.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace json = vambrace::json;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto value = json::parse(text)) {
    const std::string printed = json::print(*value);
    const auto again = json::parse(printed);
    CHECK(again.has_value());
    CHECK(json::print(*again) == printed);
  }
  const std::string quoted = json::quote_bytes(text);
  const auto back = json::unquote_bytes(quoted);
  CHECK(back.has_value() && *back == text);
  // Foreign text may unquote too, or be refused.
  if (const auto bytes = json::unquote_bytes(text)) {
    CHECK(json::unquote_bytes(json::quote_bytes(*bytes)).value() == *bytes);
  }
  return 0;
}
