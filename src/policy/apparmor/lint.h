#pragma once

#include <string_view>
#include <vector>

#include "policy/apparmor/profile.h"

namespace vambrace::policy::apparmor {

// Remarks about what the profile lets through or says in vain, sorted. Judges
// the profile alone, with what its includes grant: it does not know what the
// workload needs.
//
//   apparmor-no-abi         no abi line: what rules mean depends on the machine
//   apparmor-bad-pattern    a pattern that cannot be read here
//   apparmor-deny-overlap   a deny takes away from an allow, silently, and in
//                           complain mode, too
//   apparmor-broad          a pattern lets in all below a folder of the system
//   apparmor-sensitive      a pattern with wildcards reaches keys, passwords or
//                           the memory of processes
//   apparmor-hard-link      a name that may be linked to has other rights, too:
//                           the file must have these by its old name
//   apparmor-write-exec     what may be written may be started or mapped to run
//   apparmor-many-inherit   many programs run under one profile (ix)
//   apparmor-implied-map    m beside ix, which implies it
std::vector<Finding> lint(const Profile& profile);

// The folder of the system, such as "/usr/", of which the pattern takes
// everything; empty: of none.
std::string_view whole_folder(const Pattern& pattern);

}  // namespace vambrace::policy::apparmor
