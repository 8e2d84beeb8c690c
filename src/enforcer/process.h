#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "enforcer/launcher/launch.h"
#include "policy/seccomp/profile.h"
#include "runtime/target.h"

namespace vambrace::enforcer {

// The orders for a launcher: the filter that the target's runtime would make of
// the profile (compile_checked), its flags, and the capabilities. InvalidInput
// or Denied where the profile cannot be used.
Result<LaunchSpec> launch_spec(const policy::seccomp::Profile& profile,
                               const runtime::Target& target,
                               std::span<const std::uint32_t> capabilities);

// "www-data", "33", "33:33" or "www-data:adm": user, group and supplementary
// groups. NotFound for a name that this machine does not have.
Result<> set_user(LaunchSpec& spec, const std::string& user);

// The AppArmor profile that the program is to run under, which must be loaded
// then; empty: none. InvalidInput for a name that is too long.
Result<> set_profile(LaunchSpec& spec, std::string_view name);

// "nginx" of "/usr/sbin/nginx".
std::string file_name(const std::string& path);

// The program that a shell would start for `word`: searched in `path` (a PATH)
// if it has no slash. NotFound, or Unavailable if it cannot be executed.
Result<std::string> find_program(const std::string& word,
                                 const std::string& path);

// Confines this process and becomes the program. Returns only if it could not
// confine itself; once the filter stands, a failing execve ends the process
// with one line and exit status 126, since the filter may deny all else.
Error become(const LaunchSpec& spec, const std::string& program,
             std::span<const std::string> words);

}  // namespace vambrace::enforcer
