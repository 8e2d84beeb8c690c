#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vambrace::enforcer::apparmor {

// The names of the profiles in a compiled policy, as the kernel will have them,
// sorted: "web", "web//helper", ":NAMESPACE://web".
//
// The bytes are what apparmor_parser makes for the kernel: tagged values one
// after the other, numbers with the low byte first. A profile is a structure
// called "profile" whose first value is its name. Everything else is skipped,
// not judged: that is the kernel's work. InvalidInput for bytes that are no
// such values, or hold no profile.
Result<std::vector<std::string>> compiled_names(std::string_view bytes);

}  // namespace vambrace::enforcer::apparmor
