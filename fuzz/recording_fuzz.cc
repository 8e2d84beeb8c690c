#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "recorder/ebpf/state.h"

// The file that lets another process finish a recording: what parses prints,
// and prints the same again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace ebpf = vambrace::recorder::ebpf;
  const auto state = ebpf::parse_state(
      std::string_view(reinterpret_cast<const char*>(data), size));
  if (!state) {
    CHECK(!state.error().message().empty());
    return 0;
  }
  CHECK(state->recorder >= 0 && state->main_pid >= 0);
  const std::string printed = ebpf::print(*state);
  const auto again = ebpf::parse_state(printed);
  CHECK(again.has_value() && ebpf::print(*again) == printed);
  return 0;
}
