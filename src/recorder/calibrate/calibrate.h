#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/layer.h"

// Measures a runtime's own layer on this machine.
namespace vambrace::recorder {

// The runtime that is installed here.
struct InstalledRuntime {
  runtime::Runtime runtime = runtime::Runtime::Runc;
  runtime::Version version;
  // It refuses this machine's mixed cgroup hierarchies, and is therefore
  // started in a mount namespace that shows it version 2 alone.
  bool needs_plain_cgroups = false;
};

// Unavailable, with a hint, if there is none.
Result<InstalledRuntime> find_runtime(runtime::Runtime runtime);

// Starts `runs` containers, and in each of them a second program, under a
// filter that allows everything; the union of what the runtime called between
// filter and program. Alternates between root and another user. `progress`
// hears of each start before it. The closure and its reason are those of the
// layer that ships.
//
// Leaves neither containers nor files behind. Unavailable if a container does
// not start, with the runtime's own words.
Result<runtime::RuntimeLayer> calibrate(
    const InstalledRuntime& installed, bool no_new_privs, std::uint64_t runs,
    const std::function<void(std::uint64_t)>& progress);

}  // namespace vambrace::recorder
