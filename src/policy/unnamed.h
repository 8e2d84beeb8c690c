#pragma once

#include <string_view>

namespace vambrace::policy {

// Whether a file's name is one that the kernel gives to a file which nobody
// named (O_TMPFILE): a '#' and the number of its inode, which no other run has.
// Who was asked for nothing but the path cannot tell it from a file that
// somebody called so.
bool is_unnamed(std::string_view name);

}  // namespace vambrace::policy
