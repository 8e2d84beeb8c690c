#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vambrace::attest {

// What /proc/PID/task/TID/ says about one thread's confinement: its status, and
// its label.
struct ThreadState {
  std::string name;
  int pid = 0;  // thread group
  int tid = 0;
  int parent = 0;  // thread group
  std::uint64_t inheritable = 0;
  std::uint64_t permitted = 0;
  std::uint64_t effective = 0;
  std::uint64_t bounding = 0;
  std::uint64_t ambient = 0;
  bool no_new_privs = false;
  std::uint32_t seccomp_mode = 0;     // 0 none, 1 strict, 2 filter
  std::uint32_t seccomp_filters = 0;  // Linux 5.9; before: 1 if there is any
  // What AppArmor has in attr/apparmor/current; nullopt: it could not be read.
  std::optional<std::string> label;
  auto operator<=>(const ThreadState&) const = default;
};

// InvalidInput if a line that Linux 4.10 and later always write is missing.
Result<ThreadState> parse_status(std::string_view text);

}  // namespace vambrace::attest
