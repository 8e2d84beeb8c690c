#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "runtime/layer.h"

// A calibration that parses prints to what parses to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace runtime = vambrace::runtime;
  const auto layers = runtime::parse_layers(
      std::string_view(reinterpret_cast<const char*>(data), size));
  if (!layers) {
    CHECK(!layers.error().message().empty());
    return 0;
  }
  CHECK(!layers->empty());
  const auto again = runtime::parse_layers(runtime::print_layers(*layers));
  CHECK(again.has_value() && *again == *layers);
  return 0;
}
