#pragma once

#include <string>
#include <string_view>

namespace vambrace {

// Text for a terminal, whatever names from outside it holds: every byte that
// would act instead of being read (control characters, line ends, characters
// that turn the direction of writing, bytes that are not UTF-8) becomes \xNN.
// Backslashes stay as they are, so that names which were quoted before are not
// quoted twice; use json::quote_bytes where the bytes must come back.
std::string printable(std::string_view text);

}  // namespace vambrace
