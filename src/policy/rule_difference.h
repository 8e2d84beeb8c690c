#pragma once

#include <vector>

#include "base/result.h"
#include "policy/apparmor/profile.h"
#include "policy/difference.h"

namespace vambrace::policy {

// What the rules of one profile that are not about files let through and those
// of another do not: sockets, signals, looks into others, mounts, links, who
// has a capability that others there have, too, and under which profile a
// program that both may start runs. Sorted; each as it is printed, without the
// profile's own name.
//
// A rule without a family, a type, a signal or a peer stands for all of them.
// Otherwise addresses, peers and mounts are compared as they are written. A
// helper that only one of them has a child profile for is held against the
// other's main rules.
Result<std::vector<RulePermit>> rules_beyond(const apparmor::Profile& one,
                                             const apparmor::Profile& other);

}  // namespace vambrace::policy
