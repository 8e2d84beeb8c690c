#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

// Classic BPF as seccomp runs it: an interpreter of our own, so that no filter
// compiler has to be believed. Its answers are compared with the kernel's in
// tests/seccomp_kernel_test.cc.
namespace vambrace::policy::seccomp {

// struct sock_filter of include/uapi/linux/filter.h.
struct Instruction {
  std::uint16_t code = 0;
  std::uint8_t jt = 0;
  std::uint8_t jf = 0;
  std::uint32_t k = 0;
  auto operator<=>(const Instruction&) const = default;
};
using Program = std::vector<Instruction>;

constexpr std::uint32_t kCallBytes = 64;        // sizeof(struct seccomp_data)
constexpr std::size_t kMaxInstructions = 4096;  // BPF_MAXINSNS

// What a filter sees: struct seccomp_data.
struct Call {
  std::uint32_t nr = 0;
  std::uint32_t arch = 0;  // AUDIT_ARCH_*
  std::uint64_t ip = 0;
  std::array<std::uint64_t, 6> args{};
  auto operator<=>(const Call&) const = default;
};

// Accepts what the kernel accepts (bpf_check_classic, check_load_and_stores and
// seccomp_check_filter, Linux 6.1), and refuses the rest with InvalidInput and
// the instruction's number.
Result<> validate(std::span<const Instruction> program);

// The value the program returns, to be read by from_return_value(). The program
// must have been accepted by validate(): then it ends, since jumps only lead
// forward. `loads_args`, if given, tells whether an argument or the instruction
// pointer was read; if not, the answer is the same for every argument.
std::uint32_t run(std::span<const Instruction> program, const Call& call,
                  bool* loads_args = nullptr);

// Would the kernel answer this call from its bitmap of constant actions without
// running the program? (seccomp_is_const_allow, Linux 5.11 and later: only an
// allow that was reached by looking at number and architecture alone.)
bool constant_allow(std::span<const Instruction> program, std::uint32_t arch,
                    std::uint32_t nr);

}  // namespace vambrace::policy::seccomp
