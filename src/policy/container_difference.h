#pragma once

#include <set>
#include <string>
#include <vector>

#include "policy/difference.h"

namespace vambrace::policy {

// Does what the side's AppArmor rules do not cover succeed there all the same?
bool refuses_nothing(const Side& side);

// How two containers are started otherwise: in which mode their AppArmor
// profiles are and whether engines are told of them, the user, the root, the
// folders that stay writable below a read-only one, no_new_privs, and the calls
// that only one of systemd's filters has. Calls in `told`, by name, are passed
// over. Sorted.
std::vector<Setting> settings_between(const Side& left, const Side& right,
                                      const std::set<std::string>& told);

}  // namespace vambrace::policy
