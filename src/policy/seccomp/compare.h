#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/seccomp/cbpf.h"
#include "policy/seccomp/evaluate.h"

namespace vambrace::policy::seccomp {

// A call that two sides answer differently.
struct Difference {
  std::uint32_t arch = 0;  // AUDIT_ARCH_*
  std::uint32_t nr = 0;    // as in seccomp_data
  Arguments args{};
  Outcome left;
  Outcome right;
  auto operator<=>(const Difference&) const = default;
};

// "x86_64 personality(0x8, ...): left SCMP_ACT_ALLOW, right ..."
std::string describe(const Difference& difference);

// Over all covering numbers and arguments, at most one difference for each
// call, in ascending order of architecture and number; empty: none was found.
// Programs must have been accepted by validate().
std::vector<Difference> compare(std::span<const Instruction> left,
                                const Evaluator& right);
std::vector<Difference> compare(std::span<const Instruction> left,
                                std::span<const Instruction> right);
std::vector<Difference> compare(const Evaluator& left, const Evaluator& right);

// The first of these for a profile on a target; InvalidInput where the runtime
// refuses the profile or the program is no filter.
Result<std::vector<Difference>> compare(std::span<const Instruction> program,
                                        const Profile& profile,
                                        const runtime::Target& target);

}  // namespace vambrace::policy::seccomp
