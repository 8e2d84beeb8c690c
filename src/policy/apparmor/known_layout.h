#pragma once

#include <optional>
#include <string_view>

#include "policy/apparmor/segment.h"

// Names that one program always writes in one way: mktemp's, redis' dumps,
// PostgreSQL's segments. The table stands in the source file.
namespace vambrace::policy::apparmor {

// /tmp and its like, or a folder named tmp below them.
bool is_temporary_directory(std::string_view directory);

// An ending like .json, or none.
bool is_ending(std::string_view text);

std::optional<Form> known_layout(std::string_view name, const Place& place);

}  // namespace vambrace::policy::apparmor
