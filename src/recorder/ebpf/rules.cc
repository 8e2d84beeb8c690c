#include "recorder/ebpf/rules.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "kernel/syscalls.h"

namespace vambrace::recorder::ebpf {
namespace {

struct Special {
  std::string_view name;
  std::uint8_t what;
  std::uint8_t index;  // of the signal
};

constexpr Special kSpecials[] = {
    {"socket", VMB_SPECIAL_SOCKET, 0},
    {"bind", VMB_SPECIAL_BIND, 0},
    {"connect", VMB_SPECIAL_CONNECT, 0},
    {"listen", VMB_SPECIAL_LISTEN, 0},
    {"accept", VMB_SPECIAL_ACCEPT, 0},
    {"accept4", VMB_SPECIAL_ACCEPT, 0},
    {"kill", VMB_SPECIAL_SIGNAL, 1},
    {"tkill", VMB_SPECIAL_SIGNAL, 1},
    {"tgkill", VMB_SPECIAL_SIGNAL, 2},
    {"rt_sigqueueinfo", VMB_SPECIAL_SIGNAL, 1},
    {"rt_tgsigqueueinfo", VMB_SPECIAL_SIGNAL, 2},
    {"pidfd_send_signal", VMB_SPECIAL_SIGNAL, 1},
};

struct FileCall {
  std::string_view name;
  std::uint8_t what;
};

constexpr FileCall kFileCalls[] = {
    {"open", VMB_FILE_OPEN},
    {"openat", VMB_FILE_OPENAT},
    {"open_by_handle_at", VMB_FILE_OPENAT},
    {"openat2", VMB_FILE_OPENAT2},
    {"creat", VMB_FILE_CREAT},
    {"mmap", VMB_FILE_MMAP},
    {"mmap2", VMB_FILE_MMAP},
    {"mprotect", VMB_FILE_MPROTECT},
    {"pkey_mprotect", VMB_FILE_MPROTECT},
    {"flock", VMB_FILE_FLOCK},
    {"fcntl", VMB_FILE_FCNTL},
    {"fcntl64", VMB_FILE_FCNTL},
    {"ftruncate", VMB_FILE_FTRUNCATE},
    {"ftruncate64", VMB_FILE_FTRUNCATE},
    {"fchmod", VMB_FILE_FCHMOD},
    {"fchown", VMB_FILE_FCHOWN},
    {"fchown32", VMB_FILE_FCHOWN},
};

std::uint8_t file_of(kernel::Syscall syscall, std::string_view name) {
  // The old mmap of i386 has its arguments in memory.
  if (syscall.arch == kernel::Arch::I386 && name == "mmap") {
    return VMB_FILE_NOTHING;
  }
  for (const FileCall& call : kFileCalls) {
    if (name == call.name) {
      return call.what;
    }
  }
  return VMB_FILE_NOTHING;
}

vmb_rule rule_of(kernel::Syscall syscall) {
  vmb_rule rule{};
  if (const kernel::ArgSpec* spec = kernel::arg_spec(syscall)) {
    for (const auto& argument : spec->arguments.first(
             std::min<std::size_t>(spec->arguments.size(), 3))) {
      rule.mask[rule.used] = argument.mask;
      rule.index[rule.used] = argument.index;
      ++rule.used;
    }
    if (!spec->filterable) {
      rule.special = VMB_SPECIAL_POINTER;
    }
  }
  const auto name = kernel::syscall_name(syscall);
  for (const Special& special : kSpecials) {
    if (name == special.name) {
      rule.special = special.what;
      rule.special_index = special.index;
    }
  }
  rule.file = file_of(syscall, name.value_or(""));
  return rule;
}

Rules make_rules() {
  Rules result{};
  for (const kernel::Arch arch : kernel::kAllArches) {
    for (const std::uint32_t nr : kernel::syscall_numbers(arch)) {
      if (nr < VMB_RULE_CALLS) {
        result[std::to_underlying(arch) * VMB_RULE_CALLS + nr] =
            rule_of({arch, nr});
      }
    }
  }
  return result;
}

}  // namespace

const Rules& rules() {
  static const Rules kRules = make_rules();
  return kRules;
}

}  // namespace vambrace::recorder::ebpf
