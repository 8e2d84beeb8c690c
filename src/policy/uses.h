#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "evidence/evidence.h"
#include "kernel/syscalls.h"
#include "policy/reasons.h"

// What the workload did with each call, before anything is judged.
namespace vambrace::policy {

// Everything that processes which count did with one call.
struct CallUse {
  evidence::Arguments args;  // of what was let through
  bool args_unseen = false;  // some of it without its arguments
  evidence::Arguments denied_args;
  bool denied_args_unseen = false;
  std::uint64_t count = 0;
  std::map<std::string, std::uint64_t> errnos;
  std::uint64_t denied = 0;
  std::map<std::string, std::uint64_t> denied_errnos;
  Reasons reasons;
  Reasons denied_reasons;
};
using CallUses = std::map<kernel::Syscall, CallUse>;

CallUses uses_of(const evidence::Evidence& evidence);

// Was the call refused where the profile was cut too narrow? Not where whoever
// asked fell back: that is how clone is fenced.
bool is_hurt(kernel::Syscall syscall, const CallUse& use);

// A call that never once worked, for lack of the call or of the right: the
// workload already lives without it. The errno that it gave.
std::optional<std::uint32_t> always_refused(const CallUse& use, bool healed);

}  // namespace vambrace::policy
