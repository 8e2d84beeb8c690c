#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "elf/json.h"

// What parse_reach takes is what print_reach would write of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace vambrace;
  const auto reach = elf::parse_reach(
      std::string_view(reinterpret_cast<const char*>(data), size));
  if (reach) {
    const auto again = elf::parse_reach(elf::print_reach(*reach));
    CHECK(again && *again == *reach);
  }
  return 0;
}
