#include <array>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "elf/memo.h"

// What parse_memo takes is what print_memo writes of it. The text is read as it
// is, and once more behind a first line whose digest fits it, which no change
// of a byte would find.
namespace {

using namespace vambrace;

void read(std::string_view text) {
  const auto memo = elf::parse_memo(text);
  if (memo) {
    const auto again = elf::parse_memo(elf::print_memo(*memo));
    CHECK(again && *again == *memo);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read(text);
  const std::string_view body = text.substr(text.find('\n') + 1);
  read(fmt::format("{} {}\n{}", elf::kMemoFormat,
                   hex_of(digest_of(std::array{body})), body));
  return 0;
}
