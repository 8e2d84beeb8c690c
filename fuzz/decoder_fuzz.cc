#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "elf/x86_64/common.h"

// What is told without the disassembler is what that would tell, of any bytes
// and at any place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace vambrace;
  static const auto all = elf::make_zydis_decoder();
  std::string_view code(reinterpret_cast<const char*>(data), size);
  for (std::uint64_t address = 0x7ffffff0; !code.empty(); ++address) {
    if (const auto common = elf::decode_common(code, address)) {
      CHECK(common->length <= code.size());
      CHECK(*common == all->decode(code, address, false));
    }
    code.remove_prefix(1);
  }
  return 0;
}
