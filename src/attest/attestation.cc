#include "attest/attestation.h"

#include <algorithm>
#include <map>
#include <set>

#include "attest/installed_filter.h"
#include "attest/processes.h"
#include "kernel/errnos.h"
#include "kernel/syscalls.h"

namespace vambrace::attest {
namespace {

namespace seccomp = policy::seccomp;

constexpr int kMaxLooks = 20;

seccomp::Program as_program(const Program& program) {
  seccomp::Program result;
  result.reserve(program.size());
  for (const struct sock_filter& i : program) {
    result.push_back({i.code, i.jt, i.jf, i.k});
  }
  return result;
}

// Distinct programs and the threads that have them; threads share filters, so
// each program is compared once.
using Installed = std::map<seccomp::Program, std::vector<int>>;

// The oldest filter of one thread; false if the thread ended.
Result<bool> read_filter(const ThreadState& thread, Installed& installed,
                         std::vector<std::string>& unknown) {
  Result<std::vector<Program>> filters = installed_filters(thread.tid);
  if (!filters) {
    if (filters.error().code() == ErrorCode::NotFound) {
      return false;
    }
    return std::unexpected(std::move(filters).error());
  }
  if (auto unread = unread_filters(thread, filters->size())) {
    unknown.push_back(*std::move(unread));
  }
  if (!filters->empty()) {
    installed[as_program(filters->front())].push_back(thread.tid);
  }
  return true;
}

void compare_filters(const Installed& installed,
                     const seccomp::Program& expected,
                     Attestation& attestation) {
  for (const auto& [program, tids] : installed) {
    attestation.filters_read += tids.size();
    if (program == expected) {
      continue;  // byte for byte, no need to look closer
    }
    std::vector<seccomp::Difference> differences =
        seccomp::compare(program, expected);
    if (!differences.empty()) {
      attestation.foreign.push_back({.tids = tids,
                                     .instructions = program.size(),
                                     .differences = std::move(differences)});
    }
  }
}

std::string outcome_text(seccomp::Outcome outcome) {
  std::string text(seccomp::to_string(outcome.action));
  if (outcome.action == seccomp::Action::Errno) {
    text += " " + kernel::errno_name(outcome.error);
  }
  return text;
}

kernel::Syscall syscall_of(const seccomp::Difference& difference) {
  constexpr std::uint32_t kX32Bit = 0x40000000;
  for (const kernel::Arch arch : {kernel::Arch::I386, kernel::Arch::Aarch64}) {
    if (kernel::audit_arch(arch) == difference.arch) {
      return {arch, difference.nr};
    }
  }
  return (difference.nr & kX32Bit) != 0
             ? kernel::Syscall{kernel::Arch::X32, difference.nr & ~kX32Bit}
             : kernel::Syscall{kernel::Arch::X86_64, difference.nr};
}

}  // namespace

Result<Attestation> attest(const Scope& scope, const Expectation& expected,
                           const seccomp::Program* filter) {
  Attestation attestation{.pid = scope.pid};
  std::set<int> seen;
  std::set<int> processes;
  Installed installed;
  bool settled = false;
  for (int look = 0; look < kMaxLooks && !settled; ++look) {
    TRY_ASSIGN(const std::vector<ThreadState> threads, threads_of(scope));
    settled = unexplained(threads, processes) == 0;
    for (const ThreadState& thread : threads) {
      processes.insert(thread.pid);
      if (!seen.insert(thread.tid).second) {
        continue;
      }
      bool lives = true;
      if (filter != nullptr && thread.seccomp_mode == 2) {
        TRY_ASSIGN(lives, read_filter(thread, installed, attestation.unknown));
      }
      if (lives) {
        if (auto unread = unread_label(thread, expected)) {
          attestation.unknown.push_back(*std::move(unread));
        }
        attestation.threads.push_back(thread);
      }
    }
  }
  if (!settled) {
    attestation.unknown.push_back(fmt::format(
        "not settled: each of {} looks found processes of another origin",
        kMaxLooks));
  }
  attestation.findings = judge(attestation.threads, scope.pid, expected);
  if (filter != nullptr) {
    compare_filters(installed, *filter, attestation);
  }
  return attestation;
}

std::string describe_installed(const seccomp::Difference& difference) {
  const kernel::Syscall syscall = syscall_of(difference);
  std::string args;
  if (const kernel::ArgSpec* spec = kernel::arg_spec(syscall)) {
    for (const auto& argument : spec->arguments) {
      args += fmt::format("{}{:#x}", args.empty() ? "" : ", ",
                          difference.args.at(argument.index));
    }
  }
  return fmt::format(
      "{} {}({}): {} is installed, the bundle says {}",
      kernel::to_string(syscall.arch), kernel::syscall_label(syscall), args,
      outcome_text(difference.left), outcome_text(difference.right));
}

}  // namespace vambrace::attest
