#include "elf/convention.h"

namespace vambrace::elf {

const Convention& convention_of(kernel::Arch arch) {
  // rax; rdi, rsi, rdx, r10, r8, r9; of functions rcx in place of r10 (System V
  // ABI, processor supplement, 3.2.3).
  static constexpr Convention kX8664{
      0, {7, 6, 2, 10, 8, 9}, {7, 6, 2, 1, 8, 9}};
  // x8; x0 and on for both (AAPCS64, 6.8.2).
  static constexpr Convention kAarch64{
      8, {0, 1, 2, 3, 4, 5}, {0, 1, 2, 3, 4, 5}};
  return arch == kernel::Arch::Aarch64 ? kAarch64 : kX8664;
}

}  // namespace vambrace::elf
