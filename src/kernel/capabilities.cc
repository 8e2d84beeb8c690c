#include "kernel/capabilities.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace vambrace::kernel {
namespace {

// include/uapi/linux/capability.h of Linux 6.18, in the order of the numbers.
constexpr std::string_view kNames[] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};
static_assert(std::size(kNames) == kLastCapability + 1);

}  // namespace

std::optional<std::string_view> capability_name(std::uint32_t number) {
  if (number > kLastCapability) {
    return std::nullopt;
  }
  return kNames[number];
}

std::optional<std::uint32_t> capability_number(std::string_view name) {
  std::string wanted(name);
  std::transform(
      wanted.begin(), wanted.end(), wanted.begin(),
      [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (!wanted.starts_with("CAP_")) {
    wanted.insert(0, "CAP_");
  }
  const auto* it = std::find(std::begin(kNames), std::end(kNames), wanted);
  if (it == std::end(kNames)) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(it - std::begin(kNames));
}

}  // namespace vambrace::kernel
