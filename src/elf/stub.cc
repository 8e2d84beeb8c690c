#include "elf/aarch64/words.h"
#include "elf/code.h"

namespace vambrace::elf {
namespace {

std::optional<std::uint64_t> stub_of_x86_64(ByteView bytes,
                                            std::uint64_t address) {
  if (bytes.starts_with("\xf3\x0f\x1e\xfa")) {  // endbr64
    bytes.remove_prefix(4);
    address += 4;
  }
  if (bytes.starts_with("\xf2")) {  // bnd
    bytes.remove_prefix(1);
    address += 1;
  }
  const auto distance = read_at<std::int32_t>(bytes, 2);
  if (!bytes.starts_with("\xff\x25") || !distance) {  // jmp *distance(%rip)
    return std::nullopt;
  }
  return address + 6 + static_cast<std::uint64_t>(std::int64_t{*distance});
}

}  // namespace

namespace aarch64 {
namespace {

// adrp x16, page; ldr x17, [x16, rest]; add x16, x16, rest; br x17, maybe with
// a landing mark before and a check of the pointer within.
std::optional<std::uint64_t> stub_of_aarch64(ByteView bytes,
                                             std::uint64_t address) {
  if (read_at<Word>(bytes, 0) == kBtiC) {
    bytes.remove_prefix(4);
    address += 4;
  }
  const auto page = read_at<Word>(bytes, 0), load = read_at<Word>(bytes, 4);
  if (!page || !load || !is_adrp(*page) || rd_of(*page) != 16 ||
      (*load & 0xffc003ff) != 0xf9400211) {
    return std::nullopt;
  }
  for (const unsigned at : {8U, 12U, 16U}) {
    const auto word = read_at<Word>(bytes, at);
    if (word && is_jump_register(*word) && rn_of(*word) == 17) {
      return adr_target(*page, address) +
             std::uint64_t{field(*load, 10, 12)} * 8;
    }
  }
  return std::nullopt;
}

}  // namespace
}  // namespace aarch64

std::optional<std::uint64_t> stub_slot(const Image& image,
                                       std::uint64_t address) {
  const ByteView bytes = image.from(address);
  return image.arch == kernel::Arch::Aarch64
             ? aarch64::stub_of_aarch64(bytes, address)
             : stub_of_x86_64(bytes, address);
}

}  // namespace vambrace::elf
