#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vambrace::repository {

// Changes the list under a key of the top level and no other line: takes out
// the entries with these indices, with the comments inside them, and puts the
// new ones after the last. Each new one is its lines, the first without its
// dash. Comments between entries stay.
//
// InvalidInput for a list that is written in one line, [like, this].
Result<std::string> edit_yaml_list(
    std::string_view yaml, const std::string& key,
    const std::set<std::size_t>& gone,
    const std::vector<std::vector<std::string>>& added);

}  // namespace vambrace::repository
