#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "elf/json.h"

// What parse_reaches takes is what print_reaches would write of it, and one
// answer alone is the same to both readers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace vambrace;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto reaches = elf::parse_reaches(text);
  const auto alone = elf::parse_reach(text);
  if (alone) {
    CHECK(reaches && reaches->size() == 1 && reaches->front() == *alone);
  }
  if (reaches) {
    const auto again = elf::parse_reaches(elf::print_reaches(*reaches));
    CHECK(again && *again == *reaches);
  }
  return 0;
}
