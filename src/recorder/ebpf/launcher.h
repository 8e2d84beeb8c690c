#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace vambrace::recorder::ebpf {

// A command that waits, stopped before its execve, until it is released.
// A command that was never released ends with the object.
class Launcher {
 public:
  // Forks. `user`: run the command as this user; empty: as we are.
  static Result<Launcher> prepare(const std::vector<std::string>& command,
                                  const std::string& user);
  Launcher(Launcher&&) = default;
  Launcher& operator=(Launcher&&) = default;
  ~Launcher() = default;

  pid_t pid() const { return pid_; }
  // Lets the command run. NotFound if there is no such program, InvalidInput if
  // it cannot be executed.
  Result<> release();
  // The exit status, 128 + signal if one ended it; nullopt after `timeout`.
  std::optional<int> wait(std::chrono::milliseconds timeout);
  // Readable once the command has ended; -1 where the kernel has no pidfd.
  int ended_fd() const { return ended_.get(); }
  void signal(int number) const;

 private:
  Launcher() = default;

  pid_t pid_ = -1;
  std::string program_;
  Fd gate_;     // the command waits for a byte from here
  Fd failure_;  // and reports here why its execve failed
  Fd ended_;    // pidfd
  std::optional<int> status_;
};

}  // namespace vambrace::recorder::ebpf
