#include "policy/arguments.h"

#include "kernel/errnos.h"

namespace vambrace::policy {
namespace {

constexpr std::uint64_t kInt = 0xffffffff;
// SOCK_NONBLOCK and SOCK_CLOEXEC only choose how the descriptor behaves.
constexpr std::uint64_t kSocketType = kInt & ~std::uint64_t{0x80800};

constexpr PinnedArgument kSocket[] = {{0, kInt}, {1, kSocketType}, {2, kInt}};
constexpr PinnedArgument kFirst[] = {{0, kInt}};
// The whole register where the kernel reads one (pin() narrows it to that).
constexpr PinnedArgument kWholeFirst[] = {{0, ~std::uint64_t{0}}};
constexpr PinnedArgument kSecond[] = {{1, kInt}};
constexpr PinnedArgument kClone[] = {{0, kCloneNamespaces}};
constexpr PinnedArgument kUnshare[] = {{0, kCloneNamespaces | kCloneNewTime}};

struct Row {
  std::string_view name;
  std::span<const PinnedArgument> arguments;
};

// The calls on which a rule pays: one call, many doors, and the door is named
// by a small number that a libc update does not change. Each of them loses the
// kernel's constant-action cache, so none of the hot calls is here.
//
// Left free on purpose, although their arguments are recorded:
//   open, openat      flags vary with every libc; AppArmor decides on files
//   mmap, mprotect,   hot; W^X by prot breaks JITs and dlopen's relocations
//   pkey_mprotect     and says little without the file behind the mapping
//   madvise           hot, allocators change their advice with each release
//   fcntl             hot, and each command acts on an own descriptor
//   setsockopt,       level and name are many and guarded by capabilities
//   getsockopt
//   mount             nothing without CAP_SYS_ADMIN, which needs a waiver
//   kcmp, io_uring_*  the call itself is the risk, whatever its arguments
constexpr Row kRows[] = {
    // A few of 100 commands; each loads, reads or attaches.
    {"bpf", kFirst},
    // Thread and fork flags stay free; only new namespaces are fenced.
    {"clone", kClone},
    // Terminal injection (TIOCSTI) and driver doors are requests.
    {"ioctl", kSecond},
    // Instantiate, link, read, become a session: different dangers.
    {"keyctl", kFirst},
    // Address randomization is switched off by one value.
    {"personality", kFirst},
    // Dozens of unrelated switches under one number.
    {"prctl", kFirst},
    // TRACEME is not ATTACH.
    {"ptrace", kWholeFirst},
    // SET_MODE_FILTER is not GET_NOTIF_SIZES.
    {"seccomp", kFirst},
    // Which kind of namespace may be entered.
    {"setns", kSecond},
    // Address families are separate kernel subsystems (AF_ALG, AF_VSOCK).
    {"socket", kSocket},
    {"socketpair", kSocket},
    // CLONE_FS and CLONE_FILES stay free.
    {"unshare", kUnshare},
};

// What socket(2) makes of protocol 0 for the internet families: the same
// socket as the named protocol (net/ipv4/af_inet.c, inetsw_array).
void add_default_protocol(std::set<ArgTuple>& tuples) {
  constexpr std::uint64_t kInet = 2;
  constexpr std::uint64_t kInet6 = 10;
  std::set<ArgTuple> more;
  for (const ArgTuple& tuple : tuples) {
    const std::uint64_t family = tuple[0].value;
    const std::uint64_t type = tuple[1].value;
    const std::uint64_t named = type == 1 ? 6 : type == 2 ? 17 : 0;
    const std::uint64_t protocol = tuple[2].value;
    if ((family == kInet || family == kInet6) && named != 0 &&
        (protocol == 0 || protocol == named)) {
      ArgTuple other = tuple;
      other[2].value = named - protocol;
      more.insert(other);
    }
  }
  tuples.merge(more);
}

// The position of argument `index` in a recorded tuple.
std::optional<std::size_t> position(const kernel::ArgSpec& spec,
                                    std::uint8_t index) {
  for (std::size_t i = 0; i < spec.arguments.size(); ++i) {
    if (spec.arguments[i].index == index) {
      return i;
    }
  }
  return std::nullopt;
}

// Does each value of `narrow` satisfy `wide`?
bool implies(const ArgTuple& narrow, const ArgTuple& wide) {
  return std::ranges::all_of(wide, [&](const ArgMatch& want) {
    return std::ranges::any_of(narrow, [&](const ArgMatch& have) {
      return have.index == want.index && (have.mask & want.mask) == want.mask &&
             (have.value & want.mask) == want.value;
    });
  });
}

}  // namespace

bool falls_back(kernel::Syscall syscall, std::uint32_t error) {
  return error == kernel::kEnosys && kernel::syscall_name(syscall) == "clone3";
}

std::span<const PinnedArgument> pinned_arguments(kernel::Syscall syscall) {
  const auto name = kernel::syscall_name(syscall);
  const auto* row = std::ranges::find(kRows, name.value_or(""), &Row::name);
  return row == std::end(kRows) ? std::span<const PinnedArgument>{}
                                : row->arguments;
}

std::optional<std::set<ArgTuple>> pin(kernel::Syscall syscall,
                                      const evidence::Arguments& seen) {
  const auto pinned = pinned_arguments(syscall);
  const kernel::ArgSpec* spec = kernel::arg_spec(syscall);
  if (pinned.empty() || spec == nullptr || !spec->filterable ||
      seen.unbounded || seen.tuples.empty()) {
    return std::nullopt;
  }
  std::set<ArgTuple> tuples;
  for (const std::vector<std::uint64_t>& values : seen.tuples) {
    ArgTuple tuple;
    for (const PinnedArgument& argument : pinned) {
      const auto at = position(*spec, argument.index);
      if (!at || *at >= values.size()) {
        return std::nullopt;
      }
      const std::uint64_t mask = argument.mask & spec->arguments[*at].mask;
      tuple.push_back({argument.index, mask, values[*at] & mask});
    }
    tuples.insert(std::move(tuple));
  }
  if (tuples.size() > kMaxTuples) {
    return std::nullopt;
  }
  if (pinned.data() == std::data(kSocket)) {
    add_default_protocol(tuples);
  }
  return tuples;
}

bool covers(const std::set<ArgTuple>& wide, const std::set<ArgTuple>& narrow) {
  if (wide.empty()) {
    return true;
  }
  return !narrow.empty() &&
         std::ranges::all_of(narrow, [&](const ArgTuple& tuple) {
           return std::ranges::any_of(wide, [&](const ArgTuple& other) {
             return implies(tuple, other);
           });
         });
}

std::string describe(const ArgTuple& tuple) {
  std::string text;
  for (const ArgMatch& match : tuple) {
    text += text.empty() ? "" : ", ";
    text += match.mask == kInt
                ? fmt::format("arg{} == {:#x}", match.index, match.value)
                : fmt::format("arg{} & {:#x} == {:#x}", match.index, match.mask,
                              match.value);
  }
  return text;
}

}  // namespace vambrace::policy
