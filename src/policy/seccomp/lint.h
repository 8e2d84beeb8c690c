#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/seccomp/cbpf.h"
#include "policy/seccomp/profile.h"
#include "runtime/target.h"

namespace vambrace::policy::seccomp {

enum class Severity : std::uint8_t { Info, Low, Medium, High };
std::string_view to_string(Severity severity);  // "info", ...

// One remark about a profile.
struct Remark {
  std::string id;  // "alternative-open"; docs and programs refer to it
  Severity severity = Severity::Info;
  std::string place;  // "syscalls[3].args[0]"
  std::string message;
  std::string hint;  // what to do; empty if nothing needs doing
  auto operator<=>(const Remark&) const = default;
};

// Remarks about what the profile lets through or says in vain on the target,
// the severest first. InvalidInput where the target's runtime refuses the
// profile.
//
// Judges the profile alone: it does not know what the workload needs.
Result<std::vector<Remark>> lint(const Profile& profile,
                                 const runtime::Target& target);

// Remarks about the filter that was compiled from it: its size, whether that
// comes near the kernel's limit, and how many of the calls it always allows the
// kernel answers from its bitmap.
std::vector<Remark> lint_filter(std::span<const Instruction> program,
                                const Profile& profile,
                                const runtime::Target& target);

}  // namespace vambrace::policy::seccomp
