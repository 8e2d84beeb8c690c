#include "enforcer/launcher/launcher_image.h"

#include <cstddef>

__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    "vambrace_launcher_begin:\n"
    ".incbin \"" WORKLOAD_LAUNCHER
    "\"\n"
    "vambrace_launcher_end:\n"
    ".popsection\n");

extern "C" const char vambrace_launcher_begin[];
extern "C" const char vambrace_launcher_end[];

namespace vambrace::enforcer {
namespace {

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

std::string_view launcher_image() {
  return {vambrace_launcher_begin,
          static_cast<std::size_t>(vambrace_launcher_end -
                                   vambrace_launcher_begin)};
}

std::string_view launcher_build_id() {
  return LAUNCHER_ID;
}

std::string launcher_with(const LaunchSpec& spec) {
  const LaunchFooter footer;
  std::string file(launcher_image());
  file += bytes_of(spec);
  file += bytes_of(footer);
  return file;
}

}  // namespace vambrace::enforcer
