#pragma once

#include <linux/filter.h>

#include <vector>

#include "base/result.h"

namespace vambrace::attest {

using Program = std::vector<struct sock_filter>;

// The seccomp filters of one thread, oldest first, as the kernel holds them.
//
// Stops the thread with ptrace and lets it go on again on every path; a system
// call it sleeps in may return EINTR. Needs CAP_SYS_ADMIN in the initial user
// namespace, and that this process runs without a filter itself. NotFound if
// the thread ended, Unavailable if another tracer holds it or the kernel keeps
// filters to itself.
Result<std::vector<Program>> installed_filters(int tid);

}  // namespace vambrace::attest
