#pragma once

#include <string_view>

namespace vambrace::policy::seccomp {

// Whether a refusal should look like an older kernel: a libc or program then
// takes another way, where EPERM would make it give up.
bool has_fallback(std::string_view name);

}  // namespace vambrace::policy::seccomp
