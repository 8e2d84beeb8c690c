#include "recorder/calibrate/program_image.h"

#include <cstddef>

__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    "vambrace_calibration_begin:\n"
    ".incbin \"" CALIBRATION_PROGRAM
    "\"\n"
    "vambrace_calibration_end:\n"
    ".popsection\n");

extern "C" const char vambrace_calibration_begin[];
extern "C" const char vambrace_calibration_end[];

namespace vambrace::recorder {

std::string_view calibration_program() {
  return {vambrace_calibration_begin,
          static_cast<std::size_t>(vambrace_calibration_end -
                                   vambrace_calibration_begin)};
}

}  // namespace vambrace::recorder
