#include "enforcer/apparmor/compile.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"
#include "base/printable.h"
#include "enforcer/apparmor/installed.h"
#include "host/disk_files.h"

extern char** environ;

namespace vambrace::enforcer::apparmor {
namespace {

constexpr std::size_t kMostOutput = 64U << 20;

Result<Fd> memory(std::string_view bytes) {
  Fd fd(::memfd_create("apparmor", MFD_CLOEXEC));
  if (!fd) {
    return std::unexpected(system_error("memfd_create", errno));
  }
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::pwrite(fd.get(), bytes.data() + at, bytes.size() - at,
                               static_cast<off_t>(at));
    if (n < 0) {
      return std::unexpected(system_error("write to memory", errno));
    }
    at += static_cast<std::size_t>(n);
  }
  return fd;
}

std::string contents(const Fd& fd) {
  std::string text;
  char buffer[16384];
  while (text.size() < kMostOutput) {
    const ssize_t n = ::pread(fd.get(), buffer, sizeof buffer,
                              static_cast<off_t>(text.size()));
    if (n <= 0) {
      break;
    }
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

int spawn(const char* program, const Fd& in, const Fd& out, const Fd& err,
          pid_t& pid) {
  // -S compiles to standard output, -Q leaves the kernel alone, -K the cache.
  const char* words[] = {program, "-S", "-Q", "-K", nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.get(), 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, err.get(), 2);
  const int error = ::posix_spawnp(&pid, program, &actions, nullptr,
                                   const_cast<char**>(words), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

// The parser's complaint, without its remarks on cache and configuration.
std::string complaint(std::string_view said) {
  std::string result;
  while (!said.empty()) {
    const std::size_t end = std::min(said.find('\n'), said.size());
    const std::string_view line = said.substr(0, end);
    said.remove_prefix(std::min(end + 1, said.size()));
    if (!line.empty() && !line.starts_with("Cache read/write disabled") &&
        !line.starts_with("Warning ")) {
      result += (result.empty() ? "" : "; ") + printable(line);
    }
  }
  return result;
}

}  // namespace

Result<std::string> compile(const Files& files, std::string_view profiles) {
  TRY(check_includes(files, profiles));
  TRY_ASSIGN(const Fd in, memory(profiles));
  TRY_ASSIGN(const Fd out, memory(""));
  TRY_ASSIGN(const Fd err, memory(""));
  pid_t pid = 0;
  if (spawn("apparmor_parser", in, out, err, pid) != 0 &&
      spawn("/usr/sbin/apparmor_parser", in, out, err, pid) != 0) {
    return std::unexpected(
        Error(ErrorCode::Unavailable, "apparmor_parser is not installed")
            .with_hint("it compiles profiles for the kernel: apt-get install "
                       "apparmor"));
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      return std::unexpected(system_error("apparmor_parser", errno));
    }
  }
  std::string bytes = contents(out);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || bytes.empty()) {
    const std::string said = complaint(contents(err));
    return fail(ErrorCode::InvalidInput, "{}",
                said.empty() ? "apparmor_parser made nothing of it" : said);
  }
  return bytes;
}

}  // namespace vambrace::enforcer::apparmor
