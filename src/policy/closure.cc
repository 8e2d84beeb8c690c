#include "policy/closure.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "policy/arguments.h"

namespace vambrace::policy {
namespace {

// What a libc's fork, vfork or posix_spawn may use instead of another: the
// thread-like clone flags are free anyway, new namespaces stay fenced.
constexpr std::string_view kForks[] = {"fork", "vfork", "clone"};

// A newer glibc asks the terminal by TCGETS2 where an older one used TCGETS
// (include/uapi/asm-generic/ioctls.h, x86 and arm64 alike).
constexpr std::uint64_t kTcgets = 0x5401;
constexpr std::uint64_t kTcgets2 = 0x802c542a;

Reason because(std::string_view closure, std::string_view granted) {
  return {.cause = Cause::Closure,
          .note = fmt::format("{}: {} is granted", closure, granted)};
}

// Rules by call, for adding while walking.
class Rules {
 public:
  explicit Rules(Policy& policy) : policy_(policy) {
    for (SyscallRule& rule : policy.syscalls) {
      rules_.emplace(rule.syscall, std::move(rule));
    }
  }
  const SyscallRule* find(kernel::Arch arch, std::string_view name) const {
    const auto nr = kernel::syscall_number(arch, name);
    const auto it = nr ? rules_.find({arch, *nr}) : rules_.end();
    return it == rules_.end() ? nullptr : &it->second;
  }
  // False if the table lacks the call or a rule was there.
  bool add(kernel::Arch arch, std::string_view name, std::set<ArgTuple> args,
           Reason reason) {
    const auto nr = kernel::syscall_number(arch, name);
    if (!nr) {
      return false;
    }
    const kernel::Syscall syscall{arch, *nr};
    return rules_
        .emplace(syscall,
                 SyscallRule{syscall, std::move(args), {std::move(reason)}})
        .second;
  }
  // Puts the rules back; a call that is granted now is not expected to fail.
  void store() {
    policy_.syscalls.clear();
    for (auto& [syscall, rule] : rules_) {
      std::erase_if(policy_.expected, [&](const ExpectedDenial& denial) {
        return denial.syscall == syscall;
      });
      policy_.syscalls.push_back(std::move(rule));
    }
  }
  std::map<kernel::Syscall, SyscallRule>& all() { return rules_; }

 private:
  Policy& policy_;
  std::map<kernel::Syscall, SyscallRule> rules_;
};

std::size_t add_equivalents(Rules& rules, const Policy& policy) {
  std::size_t added = 0;
  for (const kernel::Arch arch : policy.arches) {
    for (const auto& set : equivalents()) {
      const auto granted = std::ranges::find_if(set, [&](auto name) {
        const SyscallRule* rule = rules.find(arch, name);
        return rule != nullptr && rule->reasons[0].cause != Cause::Closure;
      });
      for (const std::string_view name : set) {
        if (granted != set.end()) {
          added +=
              rules.add(arch, name, {}, because("resilient libc", *granted));
        }
      }
    }
  }
  return added;
}

std::size_t add_forks(Rules& rules, const Policy& policy) {
  std::size_t added = 0;
  for (const kernel::Arch arch : policy.arches) {
    const auto granted = std::ranges::find_if(
        kForks, [&](auto name) { return rules.find(arch, name) != nullptr; });
    if (granted == std::end(kForks)) {
      continue;
    }
    for (const std::string_view name : kForks) {
      std::set<ArgTuple> args;
      if (name == "clone") {
        args.insert({{0, kCloneNamespaces, 0}});
      }
      added += rules.add(arch, name, std::move(args),
                         because("resilient libc", *granted));
    }
  }
  return added;
}

std::size_t add_terminal_request(Rules& rules) {
  std::size_t added = 0;
  for (auto& [syscall, rule] : rules.all()) {
    const ArgTuple old{{1, 0xffffffff, kTcgets}};
    if (kernel::syscall_name(syscall) == "ioctl" && rule.args.contains(old)) {
      added += rule.args.insert({{1, 0xffffffff, kTcgets2}}).second;
      rule.reasons.push_back(because("resilient libc", "ioctl TCGETS"));
      std::ranges::sort(rule.reasons);
    }
  }
  return added;
}

// Where the aarch64 table has no call of that name (asm-generic/unistd.h left
// the old forms out).
constexpr std::pair<std::string_view, std::string_view> kAarch64[] = {
    {"access", "faccessat"},
    {"accept", "accept4"},
    {"alarm", "setitimer"},
    {"chmod", "fchmodat"},
    {"chown", "fchownat"},
    {"creat", "openat"},
    {"dup2", "dup3"},
    {"epoll_create", "epoll_create1"},
    {"epoll_wait", "epoll_pwait"},
    {"eventfd", "eventfd2"},
    {"fork", "clone"},
    {"futimesat", "utimensat"},
    {"getdents", "getdents64"},
    {"getpgrp", "getpgid"},
    {"inotify_init", "inotify_init1"},
    {"lchown", "fchownat"},
    {"link", "linkat"},
    {"lstat", "newfstatat"},
    {"mkdir", "mkdirat"},
    {"mknod", "mknodat"},
    {"open", "openat"},
    {"pause", "ppoll"},
    {"pipe", "pipe2"},
    {"poll", "ppoll"},
    {"readlink", "readlinkat"},
    {"rename", "renameat"},
    {"rmdir", "unlinkat"},
    {"select", "pselect6"},
    {"signalfd", "signalfd4"},
    {"stat", "newfstatat"},
    {"symlink", "symlinkat"},
    {"unlink", "unlinkat"},
    {"utime", "utimensat"},
    {"utimes", "utimensat"},
    {"vfork", "clone"},
};

// Calls that only x86 has and whose job does not exist elsewhere.
constexpr std::string_view kX86Only[] = {"arch_prctl", "getcpu", "time",
                                         "modify_ldt", "iopl",   "ioperm"};

std::string_view on_aarch64(std::string_view name) {
  if (kernel::syscall_number(kernel::Arch::Aarch64, name)) {
    return name;
  }
  for (const auto& [from, to] : kAarch64) {
    if (from == name) {
      return to;
    }
  }
  return "";
}

}  // namespace

// Calls that one libc or another uses for the same job with the same authority.
// The first ones are old forms that musl still uses, the last ones new forms
// that a glibc update brings. Not every set is free: prlimit64 also sets what
// getrlimit only reads, openat2 hides its flags from the filter. That is the
// closure's cost, and each rule says which closure brought it.
std::span<const std::vector<std::string_view>> equivalents() {
  static const std::vector<std::vector<std::string_view>> kSets = {
      {"open", "openat", "openat2"},
      {"creat", "openat"},
      {"stat", "stat64", "newfstatat", "fstatat64", "statx"},
      {"lstat", "lstat64", "newfstatat", "fstatat64", "statx"},
      {"fstat", "fstat64", "newfstatat", "fstatat64", "statx"},
      {"statfs", "statfs64"},
      {"fstatfs", "fstatfs64"},
      {"access", "faccessat", "faccessat2"},
      {"readlink", "readlinkat"},
      {"unlink", "rmdir", "unlinkat"},
      {"rename", "renameat", "renameat2"},
      {"mkdir", "mkdirat"},
      {"link", "linkat"},
      {"symlink", "symlinkat"},
      {"chmod", "fchmodat", "fchmodat2"},
      {"chown", "lchown", "chown32", "lchown32", "fchownat"},
      {"mknod", "mknodat"},
      {"utime", "utimes", "futimesat", "utimensat", "utimensat_time64"},
      {"poll", "ppoll", "ppoll_time64"},
      {"select", "_newselect", "pselect6", "pselect6_time64"},
      {"epoll_create", "epoll_create1"},
      {"epoll_wait", "epoll_pwait", "epoll_pwait2"},
      {"dup2", "dup3"},
      {"pipe", "pipe2"},
      {"eventfd", "eventfd2"},
      {"inotify_init", "inotify_init1"},
      {"signalfd", "signalfd4"},
      {"accept", "accept4"},
      {"send", "sendto", "sendmsg"},
      {"recv", "recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64"},
      {"sendmsg", "sendmmsg"},
      {"getdents", "getdents64"},
      {"getrlimit", "ugetrlimit", "prlimit64"},
      {"setrlimit", "prlimit64"},
      {"preadv", "preadv2"},
      {"pwritev", "pwritev2"},
      {"nanosleep", "clock_nanosleep", "clock_nanosleep_time64"},
      {"futex", "futex_time64", "futex_waitv"},
      {"futex", "futex_wake", "futex_wait", "futex_requeue"},
      {"pause", "rt_sigsuspend"},
      {"alarm", "setitimer"},
      {"waitpid", "wait4", "waitid"},
      {"getpgrp", "getpgid"},
      {"sendfile", "sendfile64", "copy_file_range"},
      {"mmap", "mmap2"},
      {"fcntl", "fcntl64"},
      {"lseek", "_llseek"},
      {"getuid", "getuid32"},
      {"getgid", "getgid32"},
      {"geteuid", "geteuid32"},
      {"getegid", "getegid32"},
      {"close", "close_range"},
  };
  return kSets;
}

Result<Closures> parse_closures(const std::vector<std::string>& words) {
  Closures closures;
  for (const std::string& word : words) {
    if (word == "resilient libc") {
      closures.resilient_libc = true;
    } else if (word == "arch aarch64") {
      closures.aarch64 = true;
    } else {
      return std::unexpected(
          Error(ErrorCode::InvalidInput,
                fmt::format("unknown closure \"{}\"", json::quote_bytes(word)))
              .with_hint("closures are \"resilient libc\" and \"arch "
                         "aarch64\""));
    }
  }
  return closures;
}

std::size_t close_over_libc(Policy& policy) {
  Rules rules(policy);
  const std::size_t added = add_equivalents(rules, policy) +
                            add_forks(rules, policy) +
                            add_terminal_request(rules);
  rules.store();
  return added;
}

std::size_t translate_to_aarch64(Policy& policy) {
  Rules rules(policy);
  std::size_t added = 0;
  const std::vector<SyscallRule> recorded = [&] {
    std::vector<SyscallRule> list;
    for (const auto& [syscall, rule] : rules.all()) {
      if (syscall.arch == kernel::Arch::X86_64) {
        list.push_back(rule);
      }
    }
    return list;
  }();
  for (const SyscallRule& rule : recorded) {
    const std::string_view name =
        kernel::syscall_name(rule.syscall).value_or("");
    const std::string_view there = on_aarch64(name);
    if (!there.empty()) {
      const bool same = there == name;
      std::set<ArgTuple> args = same ? rule.args : std::set<ArgTuple>{};
      if (there == "clone" && !same) {
        args.insert({{0, kCloneNamespaces, 0}});
      }
      added += rules.add(kernel::Arch::Aarch64, there, std::move(args),
                         because("arch aarch64", name));
    } else if (std::ranges::find(kX86Only, name) == std::end(kX86Only)) {
      policy.findings.push_back(
          {"untranslated", "medium",
           "seccomp: " + kernel::syscall_label(rule.syscall),
           "has no counterpart on aarch64",
           "record on that architecture to learn what is used instead"});
    }
  }
  rules.store();
  policy.arches.insert(kernel::Arch::Aarch64);
  std::ranges::sort(policy.findings);
  return added;
}

}  // namespace vambrace::policy
