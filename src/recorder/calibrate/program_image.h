#pragma once

#include <string_view>

namespace vambrace::recorder {

// The bytes of the static program that containers under calibration start.
std::string_view calibration_program();

}  // namespace vambrace::recorder
