#pragma once

#include "recorder/ebpf/maps.h"
#include "recorder/ebpf/raw.h"

namespace vambrace::recorder::ebpf {

// The programs and their files, also while they go on: what comes meanwhile may
// be there or not.
Result<Raw> collect_files(const Maps& maps);

// Everything that the maps hold. The probes must be detached: nobody may write
// meanwhile. Build ids, hints and recursion misses are for the caller to add.
Result<Raw> collect(const Maps& maps);

}  // namespace vambrace::recorder::ebpf
