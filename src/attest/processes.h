#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "attest/thread_state.h"
#include "base/result.h"

namespace vambrace::attest {

// Every thread of `pid` and of all its descendants, `pid` itself first. If
// `pid` is the first process of a pid namespace other than ours, every process
// of that namespace (below it or not: an exec into a container has another
// parent). Threads that end while this looks are left out. NotFound if `pid`
// does not run.
Result<std::vector<ThreadState>> threads_of(int pid);

// The first process of a running container, by name or id: asked of Docker,
// then of runc. Unavailable if neither is there or knows it.
Result<int> container_pid(const std::string& name);

}  // namespace vambrace::attest
