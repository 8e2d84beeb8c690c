#pragma once

#include <string_view>

#include "base/result.h"

namespace vambrace::evidence {

// Is this a name for a workload that a person may choose? 1 to 255 letters,
// digits and . - _ in parts apart by single slashes, with or without spiffe://
// in front: a subset of what SPIFFE ids may hold, readable in a path and a
// terminal. InvalidInput tells what is wrong.
Result<> check_identity(std::string_view id);

}  // namespace vambrace::evidence
