#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attest/thread_state.h"
#include "base/result.h"

namespace vambrace::attest {

// A cgroup as /proc/PID/cgroup names it: "0" is the unified hierarchy.
struct Cgroup {
  std::string hierarchy;
  std::string path;
  auto operator<=>(const Cgroup&) const = default;
};

// What is looked at: a process and its descendants, and what runs in a
// container's cgroups.
struct Scope {
  int pid = 0;
  std::vector<Cgroup> cgroups;  // no root of a hierarchy
};

// Every thread of `scope.pid` and of all its descendants, that process first,
// and of every process in one of the cgroups or below. If the process is the
// first of a pid namespace other than ours, every process of that namespace as
// well: an exec into a container has another parent. Threads that end while
// this looks are left out. NotFound if the process does not run.
Result<std::vector<ThreadState>> threads_of(const Scope& scope);

// A running container, by name or id: asked of Docker, then of runc.
// Unavailable if neither is there or knows it.
Result<Scope> container_scope(const std::string& name);

// From the lines of /proc/PID/cgroup of a container's process, the cgroups of
// the container: those that bear its id ("/docker/ID", "/x/docker-ID.scope").
// If none does, the process's own of the unified hierarchy, unless that is the
// root, which tells nothing apart.
std::vector<Cgroup> container_cgroups(std::string_view lines,
                                      std::string_view id);

// Whether a process with these lines is in one of the cgroups or below.
bool is_within(std::string_view lines, std::span<const Cgroup> cgroups);

}  // namespace vambrace::attest
