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
