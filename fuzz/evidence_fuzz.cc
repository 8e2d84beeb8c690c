#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "evidence/json.h"
#include "evidence/merge.h"

// Whatever parses must print, read back as the same value, and merge with
// itself without change.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace vambrace;
  const auto parsed = evidence::parse(
      std::string_view(reinterpret_cast<const char*>(data), size));
  if (!parsed) {
    return 0;
  }
  const std::string text = evidence::print(*parsed);
  const auto again = evidence::parse(text);
  CHECK(again.has_value());
  CHECK(*again == *parsed);
  CHECK(evidence::print(*again) == text);
  const auto merged = evidence::merge(*parsed, *parsed);
  CHECK(merged.has_value());
  CHECK(*merged == *parsed);
  return 0;
}
