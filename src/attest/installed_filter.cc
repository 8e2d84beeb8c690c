#include "attest/installed_filter.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/fd.h"

namespace vambrace::attest {
namespace {

#ifndef PTRACE_SECCOMP_GET_FILTER
constexpr auto kGetFilter = static_cast<__ptrace_request>(0x420c);
#else
constexpr auto kGetFilter =
    static_cast<__ptrace_request>(PTRACE_SECCOMP_GET_FILTER);
#endif

constexpr int kStopTries = 2000;  // of one millisecond

// A thread that is ending cannot be seized: the kernel answers EPERM, as for
// one that another tracer holds.
bool ending(int tid) {
  const Fd fd(::open(fmt::format("/proc/{}/status", tid).c_str(),
                     O_RDONLY | O_CLOEXEC));
  char text[512];
  const ssize_t n = fd ? ::read(fd.get(), text, sizeof text) : -1;
  if (n <= 0) {
    return true;
  }
  const std::string_view status(text, static_cast<std::size_t>(n));
  return status.find("State:\tZ") != std::string_view::npos ||
         status.find("State:\tX") != std::string_view::npos;
}

Error ptrace_error(int tid, std::string_view step, int number) {
  if (number == ESRCH || ending(tid)) {
    return Error(ErrorCode::NotFound, fmt::format("thread {} ended", tid));
  }
  Error error(ErrorCode::Unavailable, fmt::format("thread {}: {}: {}", tid,
                                                  step, std::strerror(number)));
  if (number == EPERM) {
    return std::move(error).with_hint(
        "another tracer holds it, or CAP_SYS_PTRACE is missing; --no-filter "
        "compares the rest");
  }
  if (number == EINVAL || number == EIO) {
    return std::move(error).with_hint(
        "a kernel without CONFIG_CHECKPOINT_RESTORE gives no filter back; "
        "--no-filter compares the rest");
  }
  if (number == EACCES) {
    return std::move(error).with_hint(
        "reading filters back needs CAP_SYS_ADMIN outside any container and "
        "no filter on vambrace itself; --no-filter compares the rest");
  }
  return error;
}

// A thread that is held. Ends with the thread running again, with the signal
// that stopped it, if it was one.
class HeldThread {
 public:
  static Result<HeldThread> hold(int tid) {
    if (::ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) != 0) {
      return std::unexpected(ptrace_error(tid, "seize", errno));
    }
    HeldThread held(tid);
    if (::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) != 0) {
      return std::unexpected(ptrace_error(tid, "interrupt", errno));
    }
    TRY(held.await_stop());
    return held;
  }

  HeldThread(HeldThread&& other) noexcept
      : tid_(std::exchange(other.tid_, 0)), signal_(other.signal_) {}
  HeldThread& operator=(HeldThread&&) = delete;
  HeldThread(const HeldThread&) = delete;
  HeldThread& operator=(const HeldThread&) = delete;

  // A thread that never stopped cannot be detached here; the kernel lets it go
  // when this process ends.
  ~HeldThread() {
    if (tid_ != 0) {
      ::ptrace(PTRACE_DETACH, tid_, nullptr,
               reinterpret_cast<void*>(static_cast<long>(signal_)));
    }
  }

  int tid() const { return tid_; }

 private:
  explicit HeldThread(int tid) : tid_(tid) {}

  Result<> await_stop() {
    for (int i = 0; i < kStopTries; ++i) {
      int status = 0;
      const pid_t got = ::waitpid(tid_, &status, __WALL | WNOHANG);
      if (got < 0 && errno != EINTR) {
        return std::unexpected(ptrace_error(tid_, "wait", ESRCH));
      }
      if (got == tid_) {
        if (!WIFSTOPPED(status)) {
          return std::unexpected(
              ptrace_error(std::exchange(tid_, 0), "wait", ESRCH));
        }
        signal_ = (status >> 16) == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
        return {};
      }
      const timespec pause{0, 1'000'000};
      ::nanosleep(&pause, nullptr);
    }
    return fail(ErrorCode::Unavailable,
                "thread {} does not stop (uninterruptible sleep)", tid_);
  }

  int tid_;
  int signal_ = 0;
};

// nullopt: there is no filter of this index. EINVAL is another answer: the
// kernel was built without CONFIG_CHECKPOINT_RESTORE and gives no filter back,
// or the thread has none.
Result<std::optional<Program>> filter_at(int tid, unsigned long index) {
  const long count = ::ptrace(kGetFilter, tid, index, nullptr);
  if (count < 0) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return std::unexpected(ptrace_error(tid, "read the filter", errno));
  }
  Program program(static_cast<std::size_t>(count));
  if (::ptrace(kGetFilter, tid, index, program.data()) != count) {
    return std::unexpected(ptrace_error(tid, "read the filter", errno));
  }
  return program;
}

}  // namespace

Result<std::vector<Program>> installed_filters(int tid) {
  TRY_ASSIGN(const HeldThread held, HeldThread::hold(tid));
  std::vector<Program> filters;
  // Index 0 is the oldest: get_nth_filter() of the kernel counts from the far
  // end of the list. Measured with two filters on Linux 6.18.
  for (unsigned long index = 0;; ++index) {
    TRY_ASSIGN(std::optional<Program> program, filter_at(held.tid(), index));
    if (!program) {
      return filters;
    }
    filters.push_back(*std::move(program));
  }
}

}  // namespace vambrace::attest
