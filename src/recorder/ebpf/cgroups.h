#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace vambrace::recorder::ebpf {

// Where cgroup v2 is mounted ("/sys/fs/cgroup" or, on hybrid hosts,
// "/sys/fs/cgroup/unified"). Unsupported if it is not.
Result<std::string> cgroup2_mount();

// The cgroup v2 of a process, below the mount: "/docker/ab12".
Result<std::string> cgroup_of(int pid);

// The kernel's number of a cgroup. NotFound if there is none.
Result<std::uint64_t> cgroup_id(const std::string& path);

// Every thread in the cgroup and below it.
Result<std::vector<int>> threads_in(const std::string& path);

// The inode of the process's user namespace; 0 if there is no such process.
std::uint32_t user_namespace_of(int pid);

// A thread of the kernel's own: it makes no system calls.
bool is_kernel_thread(int pid);

// Every thread of the process and of its descendants.
std::vector<int> threads_below(int pid);

}  // namespace vambrace::recorder::ebpf
