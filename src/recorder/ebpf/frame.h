#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"
#include "recorder/ebpf/assemble.h"
#include "recorder/ebpf/awaited.h"
#include "recorder/recorder.h"

namespace vambrace::recorder::ebpf {

// What user space knows when a recording starts: identity, host, clocks.
Result<Frame> make_frame(const Scope& scope, const Options& options);

// The image of our own child before the command's execve.
Result<vmb_image> launcher_image(std::uint32_t scope, std::uint32_t pid);

// One evidence per workload, in order; `containers` are those of them that are
// containers, by number. Sets the recording's end to now.
std::vector<evidence::Evidence> evidences_of(
    const Raw& raw, Frame frame, const std::vector<std::string>& workloads,
    const std::map<std::size_t, FoundContainer>& containers = {});

}  // namespace vambrace::recorder::ebpf
