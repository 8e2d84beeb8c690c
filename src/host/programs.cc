#include "host/programs.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "host/disk_files.h"

extern char** environ;

namespace vambrace {
namespace {

constexpr std::size_t kMostSaid = 16U << 20;

Result<Fd> memory_file() {
  Fd fd(::memfd_create("said", MFD_CLOEXEC));
  if (!fd) {
    return std::unexpected(system_error("memfd_create", errno));
  }
  return fd;
}

std::string said_in(const Fd& fd) {
  std::string text;
  char buffer[16384];
  while (text.size() < kMostSaid) {
    const ssize_t n = ::pread(fd.get(), buffer, sizeof buffer,
                              static_cast<off_t>(text.size()));
    if (n <= 0) {
      break;
    }
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

// Descriptors of a program: -1 for its input is none, `held` may be -1.
struct Ends {
  int in = -1;
  int out = -1;
  int err = -1;
  int held = -1;
};

Result<pid_t> start(const std::vector<std::string>& words, const Ends& ends) {
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (ends.in >= 0) {
    ::posix_spawn_file_actions_adddup2(&actions, ends.in, 0);
  } else {
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  }
  ::posix_spawn_file_actions_adddup2(&actions, ends.out, 1);
  ::posix_spawn_file_actions_adddup2(&actions, ends.err, 2);
  if (ends.held >= 0) {
    // A descriptor put in its own place loses its close-on-exec.
    ::posix_spawn_file_actions_adddup2(&actions, ends.held, ends.held);
  }
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    return fail(ErrorCode::Unavailable, "{} is not installed", words[0]);
  }
  if (error != 0) {
    return std::unexpected(system_error("start " + words[0], error));
  }
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      return 255;
    }
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<Ended> run_program(const std::vector<std::string>& words, int held) {
  TRY_ASSIGN(const Fd out, memory_file());
  TRY_ASSIGN(const Fd err, memory_file());
  TRY_ASSIGN(const pid_t pid, start(words, {-1, out.get(), err.get(), held}));
  const int code = wait_for(pid);
  return Ended{code, said_in(out), said_in(err)};
}

Result<Ended> run_piped(const std::vector<std::string>& from,
                        const std::vector<std::string>& to, int held) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return std::unexpected(system_error("pipe", errno));
  }
  Fd in(ends[0]), out(ends[1]);
  TRY_ASSIGN(const Fd first_err, memory_file());
  TRY_ASSIGN(const Fd second_out, memory_file());
  TRY_ASSIGN(const Fd second_err, memory_file());
  TRY_ASSIGN(const pid_t first,
             start(from, {-1, out.get(), first_err.get(), held}));
  out.reset();
  const auto second =
      start(to, {in.get(), second_out.get(), second_err.get(), held});
  // Whoever still writes without a reader is ended by that.
  in.reset();
  if (!second) {
    wait_for(first);
    return std::unexpected(second.error());
  }
  const int second_code = wait_for(*second);
  const int first_code = wait_for(first);
  // A first one that could not write ended because of the second.
  if (second_code == 0 && first_code != 0) {
    return Ended{first_code, "", said_in(first_err)};
  }
  return Ended{second_code, said_in(second_out), said_in(second_err)};
}

}  // namespace vambrace
