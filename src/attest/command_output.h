#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace vambrace::attest {

// Standard output of a short command found through PATH; its standard error is
// dropped. Unavailable if it cannot be started or does not exit with 0.
Result<std::string> command_output(const std::vector<std::string>& words);

}  // namespace vambrace::attest
