#include "elf/instruction.h"

namespace vambrace::elf {

std::unique_ptr<Decoder> make_decoder(kernel::Arch arch) {
  return arch == kernel::Arch::Aarch64 ? make_aarch64_decoder()
                                       : make_x86_64_decoder();
}

}  // namespace vambrace::elf
