#include "recorder/ebpf/launcher.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "host/disk_files.h"

namespace vambrace::recorder::ebpf {
namespace {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

Result<std::optional<Account>> account_of(const std::string& user) {
  if (user.empty()) {
    return std::nullopt;
  }
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) {
    return fail(ErrorCode::NotFound, "no user \"{}\" on this machine", user);
  }
  return Account{entry->pw_uid, entry->pw_gid, user};
}

// The child's side: nothing here allocates.
[[noreturn]] void run_child(int gate, int failure, char* const* argv,
                            const Account* account) {
  char go = 0;
  if (::read(gate, &go, 1) != 1) {
    ::_exit(125);
  }
  int error = 0;
  if (account != nullptr &&
      (::initgroups(account->name.c_str(), account->gid) != 0 ||
       ::setgid(account->gid) != 0 || ::setuid(account->uid) != 0)) {
    error = errno;
  }
  if (error == 0) {
    ::execvp(argv[0], argv);
    error = errno;
  }
  [[maybe_unused]] const ssize_t told = ::write(failure, &error, sizeof error);
  ::_exit(127);
}

Result<std::pair<Fd, Fd>> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return std::unexpected(system_error("pipe", errno));
  }
  return std::pair{Fd(ends[0]), Fd(ends[1])};
}

}  // namespace

Result<Launcher> Launcher::prepare(const std::vector<std::string>& command,
                                   const std::string& user) {
  CHECK(!command.empty());
  TRY_ASSIGN(const auto account, account_of(user));
  TRY_ASSIGN(auto gate, make_pipe());
  TRY_ASSIGN(auto failure, make_pipe());
  std::vector<char*> argv;
  for (const std::string& word : command) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);

  const pid_t pid = ::fork();
  if (pid < 0) {
    return std::unexpected(system_error("fork", errno));
  }
  if (pid == 0) {
    for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGCHLD}) {
      ::signal(number, SIG_DFL);
    }
    gate.second.reset();
    run_child(gate.first.get(), failure.second.get(), argv.data(),
              account ? &*account : nullptr);
  }
  Launcher launcher;
  launcher.pid_ = pid;
  launcher.program_ = command[0];
  launcher.gate_ = std::move(gate.second);
  launcher.failure_ = std::move(failure.first);
  launcher.ended_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return launcher;
}

Result<> Launcher::release() {
  const char go = 1;
  if (::write(gate_.get(), &go, 1) != 1) {
    return std::unexpected(system_error("release the command", errno));
  }
  gate_.reset();
  // Ends with nothing to read as soon as the execve succeeds.
  int error = 0;
  const ssize_t got = ::read(failure_.get(), &error, sizeof error);
  failure_.reset();
  if (got != sizeof error) {
    return {};
  }
  wait(std::chrono::seconds(1));
  if (error == ENOENT) {
    return std::unexpected(
        Error(ErrorCode::NotFound, fmt::format("no such command: {}", program_))
            .with_hint("write the command after --, as a shell would find it: "
                       "vambrace record -o FILE -- COMMAND"));
  }
  return std::unexpected(
      Error(ErrorCode::InvalidInput,
            system_error("run " + program_, error).message()));
}

std::optional<int> Launcher::wait(std::chrono::milliseconds timeout) {
  if (status_ || pid_ < 0) {
    return status_;
  }
  if (ended_) {
    pollfd ended{ended_.get(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(timeout.count()));
  } else {
    ::poll(nullptr, 0, static_cast<int>(timeout.count()));
  }
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ =
        WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return status_;
}

void Launcher::signal(int number) const {
  if (pid_ > 0 && !status_) {
    ::kill(pid_, number);
  }
}

}  // namespace vambrace::recorder::ebpf
