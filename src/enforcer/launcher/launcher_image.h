#pragma once

#include <string>
#include <string_view>

#include "enforcer/launcher/launch.h"

namespace vambrace::enforcer {

// The launcher as it was built, an ELF file.
std::string_view launcher_image();

// Its GNU build id, in hex.
std::string_view launcher_build_id();

// The launcher with its orders at the end, ready to be written and started.
std::string launcher_with(const LaunchSpec& spec);

}  // namespace vambrace::enforcer
