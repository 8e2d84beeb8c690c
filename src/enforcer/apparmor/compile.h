#pragma once

#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"

namespace vambrace::enforcer::apparmor {

// Compiles profiles for this kernel with apparmor_parser, found through PATH or
// in /usr/sbin. Nothing is loaded and no cache is read or written. Included
// files are those of this host: Denied if one is not what the text was made
// with (installed.h).
//
// InvalidInput with the parser's own words if it refuses the text; Unavailable
// if it is not installed.
Result<std::string> compile(const Files& files, std::string_view profiles);

}  // namespace vambrace::enforcer::apparmor
