#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vambrace::enforcer {

// Runs a command with our terminal and environment, found through PATH. Its
// exit status, or 128 and the number of the signal that ended it, as a shell
// says it. Signals of the terminal reach it, not us. NotFound if it is not
// there.
Result<int> run_to_end(const std::vector<std::string>& words);

// Appends one line to an existing file with one write.
Result<> append_line(const std::string& path, std::string_view line);

}  // namespace vambrace::enforcer
