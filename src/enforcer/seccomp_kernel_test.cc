#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <random>

#include "enforcer/random_profile.h"
#include "enforcer/seccomp_compile.h"
#include "policy/seccomp/cbpf.h"
#include "policy/seccomp/covering.h"

// The interpreter against the kernel of this machine: a child installs a
// program and makes calls; what happens to them must be what the interpreter
// says. Needs no root, only no_new_privs.
namespace vambrace::enforcer {
namespace {

using policy::seccomp::Action;
using policy::seccomp::Call;
using policy::seccomp::from_return_value;
using policy::seccomp::Instruction;
using policy::seccomp::Outcome;
using policy::seccomp::Program;

// A number that no kernel has: whatever passes the filter comes back as ENOSYS
// at once, whatever its arguments.
constexpr std::uint32_t kUnused = 999;
constexpr std::uint32_t kArch = AUDIT_ARCH_X86_64;

static_assert(sizeof(Instruction) == sizeof(sock_filter));

volatile sig_atomic_t trapped = 0;
void on_trap(int /*signal*/, siginfo_t* info, void* /*context*/) {
  trapped = info->si_errno + 1;
}

bool install(std::span<const Instruction> program) {
  sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                    .filter = const_cast<sock_filter*>(
                        reinterpret_cast<const sock_filter*>(program.data()))};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

long make(const Call& call) {
  const auto arg = [&](std::size_t i) {
    return static_cast<long>(call.args[i]);
  };
  return syscall(call.nr, arg(0), arg(1), arg(2), arg(3), arg(4), arg(5));
}

// What the kernel does, as an exit status of the child: 100 + n for the n-th
// way, or the signal that killed it. Errnos come through a pipe.
struct Seen {
  bool killed = false;
  int signal = 0;
  int trap = 0;   // data of a trap + 1
  int error = 0;  // errno
};

// Only the calls to install, write the answer and leave stay outside: the
// program looks at kUnused alone, and the wrapper lets the rest through.
Program guarded(const Program& program) {
  constexpr std::uint32_t kAllow = 0x7fff0000;
  Program out = {{0x20, 0, 0, 0}, {0x15, 1, 0, kUnused}, {0x06, 0, 0, kAllow}};
  out.insert(out.end(), program.begin(), program.end());
  return out;
}

Seen ask_kernel(const Program& program, const Call& call) {
  int pipe_fds[2];
  CHECK(pipe(pipe_fds) == 0);
  const pid_t child = fork();
  if (child == 0) {
    struct sigaction action{};
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSYS, &action, nullptr);
    if (!install(guarded(program))) {
      _exit(99);
    }
    errno = 0;
    make(call);
    const int answer[2] = {errno, trapped};
    (void)!write(pipe_fds[1], answer, sizeof(answer));
    _exit(0);
  }
  close(pipe_fds[1]);
  int answer[2] = {0, 0};
  (void)!read(pipe_fds[0], answer, sizeof(answer));
  close(pipe_fds[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
  return {.killed = WIFSIGNALED(status),
          .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          .trap = answer[1],
          .error = answer[0]};
}

void expect_same(const Program& program, const Call& call) {
  const Outcome said = from_return_value(run(program, call));
  const Seen seen = ask_kernel(program, call);
  SCOPED_TRACE(to_string(said));
  switch (said.action) {
    case Action::KillProcess:
    case Action::KillThread:
      EXPECT_TRUE(seen.killed);
      EXPECT_EQ(seen.signal, SIGSYS);
      break;
    case Action::Trap:
      EXPECT_FALSE(seen.killed);
      EXPECT_EQ(seen.trap, static_cast<int>(said.error) + 1);
      break;
    case Action::Errno:
      EXPECT_EQ(seen.error, static_cast<int>(said.error));
      EXPECT_EQ(seen.trap, 0);
      break;
    case Action::Trace:   // without a tracer
    case Action::Notify:  // without a listener
    case Action::Log:
    case Action::Allow:
      EXPECT_FALSE(seen.killed);
      EXPECT_EQ(seen.trap, 0);
      EXPECT_EQ(seen.error, ENOSYS);
      break;
  }
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : random_(seed) {}
  std::uint32_t below(std::uint32_t limit) {
    return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random_);
  }
  std::uint64_t word() { return random_(); }

  // Any instruction; a good part of them is not one that seccomp takes.
  Instruction instruction(std::size_t left) {
    static constexpr std::uint16_t kCodes[] = {
        0x20, 0x20, 0x20, 0x80, 0x00, 0x60, 0x01, 0x61, 0x81, 0x02, 0x03,
        0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54,
        0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0xa4, 0xac, 0x94, 0x9c, 0x05,
        0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x16, 0x07,
        0x87, 0x28, 0x30, 0x40, 0xb1, 0x8c, 0x55, 0x0e};
    Instruction out{.code = kCodes[below(std::size(kCodes))]};
    const std::uint32_t reach = static_cast<std::uint32_t>(left) + 1;
    out.jt = static_cast<std::uint8_t>(below(std::min(reach, 200U)));
    out.jf = static_cast<std::uint8_t>(below(std::min(reach, 200U)));
    out.k = out.code == 0x20                              ? below(17) * 4
            : out.code == 0x05                            ? below(reach)
            : (out.code & 0xe7U) <= 0x03 || below(2) != 0 ? below(34)
                                                          : value();
    return out;
  }
  std::uint32_t value() {
    static constexpr std::uint32_t kActions[] = {
        0x00000000, 0x80000000, 0x00030007, 0x00050001, 0x00050fff,
        0x0005ffff, 0x7ff00005, 0x7ffc0000, 0x7fff0000, 0x12340000};
    return below(2) != 0 ? kActions[below(std::size(kActions))]
                         : static_cast<std::uint32_t>(word());
  }

 private:
  std::mt19937_64 random_;
};

// Whether the kernel takes a program is asked in a child.
bool kernel_accepts(const Program& program) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(install(program) ? 0 : errno == EINVAL ? 1 : 2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  // A program that is taken may well kill the child that leaves.
  CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) < 2 ||
        WEXITSTATUS(status) == 7);
  return WIFSIGNALED(status) || WEXITSTATUS(status) == 0;
}

TEST(SeccompKernel, TakesWhatValidateTakesAndRunsItAlike) {
  Random random(7);
  std::size_t taken = 0;
  std::size_t refused = 0;
  const std::size_t programs = rounds(600);
  for (std::size_t round = 0; round < programs; ++round) {
    Program program;
    const std::size_t size = 1 + random.below(12);
    for (std::size_t i = 0; i < size; ++i) {
      program.push_back(random.instruction(size - i));
    }
    // An answer that can be told apart from all others.
    program.push_back({0x06, 0, 0, 0x50000 + 200 + random.below(100)});
    const bool valid = policy::seccomp::validate(program).has_value();
    ASSERT_EQ(valid, kernel_accepts(guarded(program))) << "round " << round;
    if (!valid) {
      ++refused;
      continue;
    }
    ++taken;
    Call call{.nr = kUnused, .arch = kArch, .ip = 0, .args = {}};
    for (std::uint64_t& arg : call.args) {
      arg = random.below(2) != 0 ? random.below(5) : random.word();
    }
    // The instruction pointer is the one thing the test cannot choose.
    const bool looks_at_ip =
        std::ranges::any_of(program, [](const Instruction& in) {
          return in.code == 0x20 && (in.k == 8 || in.k == 12);
        });
    if (!looks_at_ip) {
      SCOPED_TRACE("round " + std::to_string(round));
      expect_same(program, call);
    }
  }
  EXPECT_GT(taken, programs / 12);
  EXPECT_GT(refused, programs / 12);
}

// Filters of random profiles, moved to the unused number.
TEST(SeccompKernel, RunsCompiledFiltersAlike) {
  std::size_t asked = 0;
  for (std::uint64_t seed = 0; seed < 400 && asked < 150; ++seed) {
    const Result<Program> compiled = compile(RandomProfile(seed).make(true),
                                             *runtime::target_named("process"));
    if (!compiled) {
      continue;
    }
    for (std::uint32_t nr = 0; nr < 400 && asked < 150; ++nr) {
      const auto tries = policy::seccomp::covering_arguments(
          {.programs = {*compiled}, .evaluators = {}}, kArch, nr);
      if (tries.size() < 2) {
        continue;
      }
      Program moved = *compiled;
      for (Instruction& in : moved) {
        if (in.code == 0x15 && in.k == nr) {
          in.k = kUnused;
        }
      }
      for (std::size_t i = 0; i < tries.size(); i += 1 + tries.size() / 5) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        expect_same(moved,
                    {.nr = kUnused, .arch = kArch, .ip = 0, .args = tries[i]});
        ++asked;
      }
    }
  }
  EXPECT_GE(asked, 100U);
}

}  // namespace
}  // namespace vambrace::enforcer
