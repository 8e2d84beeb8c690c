#include "enforcer/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "host/disk_files.h"

extern char** environ;

namespace vambrace::enforcer {
namespace {

// While the child runs, the keyboard's signals are the child's to answer.
class LeaveSignalsToTheChild {
 public:
  LeaveSignalsToTheChild() {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignore, &interrupt_);
    ::sigaction(SIGQUIT, &ignore, &quit_);
  }
  ~LeaveSignalsToTheChild() {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGQUIT, &quit_, nullptr);
  }
  LeaveSignalsToTheChild(const LeaveSignalsToTheChild&) = delete;
  LeaveSignalsToTheChild& operator=(const LeaveSignalsToTheChild&) = delete;

 private:
  struct sigaction interrupt_{};
  struct sigaction quit_{};
};

int spawn(std::vector<char*>& argv, pid_t& pid) {
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGINT);
  ::sigaddset(&defaults, SIGQUIT);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int error =
      ::posix_spawnp(&pid, argv[0], nullptr, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  return error;
}

}  // namespace

Result<int> run_to_end(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  const LeaveSignalsToTheChild leave;
  pid_t pid = 0;
  if (const int error = spawn(argv, pid); error != 0) {
    return std::unexpected(system_error(words.front(), error));
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      return std::unexpected(system_error(words.front(), errno));
    }
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<> append_line(const std::string& path, std::string_view line) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!fd) {
    return std::unexpected(system_error(path, errno));
  }
  const std::string text = fmt::format("{}\n", line);
  if (::write(fd.get(), text.data(), text.size()) !=
      static_cast<ssize_t>(text.size())) {
    return std::unexpected(system_error(path, errno));
  }
  return {};
}

}  // namespace vambrace::enforcer
