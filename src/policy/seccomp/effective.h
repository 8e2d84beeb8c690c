#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "policy/seccomp/profile.h"
#include "runtime/target.h"

namespace vambrace::policy::seccomp {

// The profile that reaches libseccomp on the target, and what was lost on the
// way.
struct Effective {
  // archMap, includes and excludes are resolved or ignored as the engine does;
  // default_errno_ret and flags are gone where the engine drops them.
  Profile profile;
  // "defaultErrnoRet: dropped by docker 20.10.24", ...
  std::vector<std::string> dropped;
};

// What engine and runtime make of a profile before libseccomp sees it
// (runtime::SeccompModel). InvalidInput where the runtime would refuse to start
// the container.
Result<Effective> effective(const Profile& profile,
                            const runtime::Target& target);

}  // namespace vambrace::policy::seccomp
