#pragma once

#include <array>
#include <cstdint>

#include "recorder/ebpf/bpf/event.h"

namespace vambrace::recorder::ebpf {

using Rules = std::array<vmb_rule, VMB_ARCHES * VMB_RULE_CALLS>;

// Which arguments the kernel side keeps, by arch * VMB_RULE_CALLS + number:
// those that kernel::arg_spec names, and those that tell sockets, signals and
// files.
const Rules& rules();

// The architecture of this build, as the kernel side counts them.
constexpr std::uint32_t native_arch() {
#if defined(__aarch64__)
  return 3;
#else
  return 0;
#endif
}

inline bool keeps_arguments(const vmb_rule& rule) {
  return rule.used != 0 || rule.special != VMB_SPECIAL_NONE;
}

// When a call is looked at because of its file: VMB_RULED_.... Of those that
// execute one only a failure is told so, for which there is no hook either.
inline unsigned file_look(const vmb_rule& rule, bool by_exits) {
  if (!by_exits && rule.file != VMB_FILE_EXEC) {
    return 0;
  }
  switch (rule.file) {
    case VMB_FILE_MMAP:
    case VMB_FILE_MPROTECT:
      return VMB_RULED_FILE | VMB_RULED_MAPPING;
    case VMB_FILE_FCNTL:
      return VMB_RULED_FILE | VMB_RULED_COMMAND;
    case VMB_FILE_RECVMSG:
      return VMB_RULED_FILE | VMB_RULED_CONTROL;
    default:
      return rule.file != VMB_FILE_NOTHING ? VMB_RULED_FILE : 0;
  }
}

}  // namespace vambrace::recorder::ebpf
