#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vambrace::enforcer::apparmor {

// A profile that the kernel holds. Names are bytes of whoever loaded it: print
// them quoted.
struct Profile {
  std::string name;  // ":NAMESPACE://NAME" if it is in another namespace
  std::string mode;  // "enforce", "complain", "kill", "unconfined", ...
  auto operator<=>(const Profile&) const = default;
};

// What a task is confined by.
struct Confinement {
  std::vector<std::string> profiles;  // several if stacked; none: unconfined
  std::string mode;                   // "mixed" if stacked ones differ
  auto operator<=>(const Confinement&) const = default;
};

// The lines of /sys/kernel/security/apparmor/profiles, sorted by name:
// "NAME (MODE)". A name may hold spaces, parentheses and even line ends: a line
// without a mode at its end goes on in the next one. What the kernel writes
// cannot tell the name "a (enforce)\nb" from two profiles.
Result<std::vector<Profile>> parse_profiles(std::string_view text);

// /proc/PID/attr/current: "unconfined", or "NAME (MODE)" with the names of a
// stack joined by "//&".
Result<Confinement> parse_current(std::string_view text);

}  // namespace vambrace::enforcer::apparmor
