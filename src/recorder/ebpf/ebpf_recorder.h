#pragma once

#include <memory>
#include <string>

#include "recorder/recorder.h"

namespace vambrace::recorder::ebpf {

// Records with BPF programs in the running kernel (Linux 6.1 or later, root).
std::unique_ptr<Recorder> make_recorder();

}  // namespace vambrace::recorder::ebpf
