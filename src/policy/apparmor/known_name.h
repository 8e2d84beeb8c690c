#pragma once

#include <optional>
#include <string_view>

#include "policy/apparmor/segment.h"

// Names whose form needs no second one as proof: because of where they stand,
// or because one program always writes them so.
namespace vambrace::policy::apparmor {

std::optional<Form> known_form(std::string_view name, const Place& place);

}  // namespace vambrace::policy::apparmor
