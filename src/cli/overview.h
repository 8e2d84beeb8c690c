#pragma once

#include <string>
#include <string_view>

namespace vambrace::cli {

// What `vambrace` alone shows: the walk, then all commands by group. A step of
// the walk is shown only if this build has its command.
std::string overview(bool color);

// The commands that begin with this word ("evidence").
std::string group_overview(std::string_view word, bool color);

}  // namespace vambrace::cli
