#pragma once

#include "base/result.h"
#include "policy/seccomp/cbpf.h"
#include "policy/seccomp/profile.h"
#include "runtime/target.h"

namespace vambrace::enforcer {

// The filter that the target's runtime makes of the profile: through the
// libseccomp of this machine with the runtime's attributes, behind the
// runtime's stub. no_new_privs is left alone.
//
// InvalidInput where runtime or libseccomp refuse the profile; Unsupported
// where this libseccomp lacks the architecture. Nothing is installed.
Result<policy::seccomp::Program> compile(
    const policy::seccomp::Profile& profile, const runtime::Target& target);

// The same, run in our own interpreter over all covering inputs and compared
// with what the profile says. Denied where they disagree: such a profile is
// not to be used with this libseccomp, whichever of the two is right.
Result<policy::seccomp::Program> compile_checked(
    const policy::seccomp::Profile& profile, const runtime::Target& target);

}  // namespace vambrace::enforcer
