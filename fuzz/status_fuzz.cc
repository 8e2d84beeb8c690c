#include <cstddef>
#include <cstdint>
#include <string_view>

#include "attest/thread_state.h"
#include "base/result.h"

// /proc/PID/status: the name of a program may hold anything but a line end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto state = vambrace::attest::parse_status(text);
  if (!state) {
    CHECK(state.error().code() == vambrace::ErrorCode::InvalidInput);
    return 0;
  }
  CHECK(text.find("CapBnd:") != std::string_view::npos);
  CHECK(state->seccomp_mode != 2 || state->seccomp_filters > 0 ||
        text.find("Seccomp_filters:") != std::string_view::npos);
  return 0;
}
