#pragma once

#include "policy/apparmor/children.h"
#include "policy/apparmor/profile.h"
#include "policy/policy.h"

namespace vambrace::policy::apparmor {

// Adds the ptrace rules: who may look into whom, of both sides, which AppArmor
// asks. As the policy knows it, or, where its evidence does not tell into whom
// a program looked, among the workload's own. Who read a file of /proc that the
// kernel shows to tracers alone may read it of the workload's own.
void add_traces(const Policy& policy, const Children& children,
                Profile& profile);

}  // namespace vambrace::policy::apparmor
