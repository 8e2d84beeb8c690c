#pragma once

#include <vector>

#include "base/result.h"
#include "policy/apparmor/profile.h"
#include "policy/difference.h"

namespace vambrace::policy {

// What the file rules of one profile let through and those of another do not.
// Sorted.
Result<std::vector<FilePermit>> files_beyond(const apparmor::Profile& one,
                                             const apparmor::Profile& other);

}  // namespace vambrace::policy
