#pragma once

#include "recorder/ebpf/maps.h"
#include "recorder/ebpf/raw.h"

namespace vambrace::recorder::ebpf {

// Everything that the maps hold. The probes must be detached: nobody may write
// meanwhile. Build ids, hints and recursion misses are for the caller to add.
Result<Raw> collect(const Maps& maps);

}  // namespace vambrace::recorder::ebpf
