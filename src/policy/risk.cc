#include "policy/risk.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>

#include "policy/arguments.h"

namespace vambrace::policy {
namespace {

// Sorted by name. What each call reaches is described in its manual page
// (man7, section 2) and in Documentation/ of the kernel.
constexpr SyscallRisk kSyscalls[] = {
    {"acct", "writes kernel accounting records to any file", true},
    {"add_key", "kernel keyrings are shared beyond the container"},
    {"adjtimex", "changes the clock of the whole host"},
    {"bpf", "loads programs and maps into the kernel"},
    {"chroot", "moves the root that path checks rely on"},
    {"clock_adjtime", "changes the clock of the whole host"},
    {"clock_settime", "sets the clock of the whole host"},
    {"clone3", "creates namespaces with flags that a filter cannot see"},
    {"create_module", "loads kernel code", true},
    {"delete_module", "unloads kernel code", true},
    {"fanotify_init", "watches and holds file accesses of others"},
    {"finit_module", "loads kernel code", true},
    {"fsconfig", "configures new mounts"},
    {"fsmount", "mounts file systems"},
    {"fsopen", "opens file system drivers for mounting"},
    {"fspick", "reconfigures mounts"},
    {"init_module", "loads kernel code", true},
    {"io_uring_enter", "performs operations that no filter sees"},
    {"io_uring_register", "performs operations that no filter sees"},
    {"io_uring_setup", "performs operations that no filter sees"},
    {"ioperm", "talks to hardware ports", true},
    {"iopl", "talks to hardware ports", true},
    {"kcmp", "tells kernel object layout of other processes"},
    {"kexec_file_load", "replaces the running kernel", true},
    {"kexec_load", "replaces the running kernel", true},
    {"keyctl", "kernel keyrings are shared beyond the container"},
    {"lookup_dcookie", "resolves paths outside the container", true},
    {"mbind", "steers memory placement of other tasks"},
    {"migrate_pages", "moves memory of other tasks"},
    {"modify_ldt", "installs segment descriptors, an old attack surface"},
    {"mount", "mounts file systems"},
    {"mount_setattr", "changes mount flags such as read-only"},
    {"move_mount", "moves mounts"},
    {"move_pages", "moves memory of other tasks"},
    {"name_to_handle_at", "makes handles that reopen files past path checks"},
    {"nfsservctl", "controls the kernel's file server", true},
    {"open_by_handle_at", "opens host files by handle, past the root"},
    {"open_tree", "detaches mounts"},
    {"perf_event_open", "profiles the kernel and other processes"},
    {"personality", "switches off address randomization"},
    {"pidfd_getfd", "takes open files out of other processes"},
    {"pivot_root", "replaces the root file system"},
    {"process_madvise", "advises on memory of other processes"},
    {"process_vm_readv", "reads memory of other processes"},
    {"process_vm_writev", "writes memory of other processes"},
    {"ptrace", "controls other processes"},
    {"quotactl", "changes disk quotas"},
    {"quotactl_fd", "changes disk quotas"},
    {"reboot", "stops the host", true},
    {"request_key", "kernel keyrings are shared beyond the container"},
    {"setdomainname", "renames the host's domain"},
    {"sethostname", "renames the host"},
    {"setns", "enters namespaces of others"},
    {"settimeofday", "sets the clock of the whole host"},
    {"stime", "sets the clock of the whole host"},
    {"swapoff", "changes swap of the host", true},
    {"swapon", "changes swap of the host", true},
    {"syslog", "reads the kernel log, with addresses"},
    {"umount", "detaches mounts"},
    {"umount2", "detaches mounts"},
    {"unshare", "creates namespaces, the way to most kernel attack surface"},
    {"uselib", "maps libraries by an obsolete way", true},
    {"userfaultfd", "pauses the kernel in page faults, used by exploits"},
    {"vm86", "runs 16-bit code in the kernel's care", true},
    {"vm86old", "runs 16-bit code in the kernel's care", true},
};
static_assert(std::ranges::is_sorted(kSyscalls, {}, &SyscallRisk::name));

// Sorted by number (include/uapi/linux/capability.h says what each permits).
constexpr CapabilityRisk kCapabilities[] = {
    {2, "reads every file and opens files by handle"},      // DAC_READ_SEARCH
    {12, "configures networks, firewalls and interfaces"},  // NET_ADMIN
    {16, "loads kernel code"},                              // SYS_MODULE
    {17, "reaches raw memory and devices"},                 // SYS_RAWIO
    {19, "controls other processes"},                       // SYS_PTRACE
    {21, "mounts, namespaces and most of the rest"},        // SYS_ADMIN
    {22, "stops the host"},                                 // SYS_BOOT
    {25, "sets the clock of the whole host"},               // SYS_TIME
    {32, "overrides mandatory access control"},             // MAC_OVERRIDE
    {33, "changes mandatory access control"},               // MAC_ADMIN
    {34, "reads the kernel log, with addresses"},           // SYSLOG
    {38, "observes the kernel and all processes"},          // PERFMON
    {39, "loads programs into the kernel"},                 // BPF
    {40, "restores processes with any identity"},  // CHECKPOINT_RESTORE
};
static_assert(std::ranges::is_sorted(kCapabilities, {},
                                     &CapabilityRisk::number));

// The kernel reads 32 bits of each.
constexpr std::uint64_t kLow32 = 0xffffffff;

std::vector<ArgMatch> any_of_bits(std::uint8_t index, std::uint64_t bits) {
  std::vector<ArgMatch> matches;
  for (std::uint64_t bit = 1; bit != 0 && bit <= bits; bit <<= 1) {
    if ((bits & bit) != 0) {
      matches.push_back({index, bit, bit});
    }
  }
  return matches;
}

std::vector<ArgMatch> any_of_values(std::uint8_t index,
                                    std::initializer_list<std::uint64_t> all) {
  std::vector<ArgMatch> matches;
  for (const std::uint64_t value : all) {
    matches.push_back({index, kLow32, value});
  }
  return matches;
}

// Address families (include/linux/socket.h) that few programs need and that
// reach drivers or subsystems of their own: KEY, PACKET, RDS, CAN, TIPC,
// BLUETOOTH, ALG, NFC, VSOCK, KCM, QIPCRTR, SMC, XDP.
std::vector<ArgMatch> rare_families() {
  return any_of_values(0, {15, 17, 21, 29, 30, 31, 38, 39, 40, 41, 42, 43, 44});
}

}  // namespace

const std::vector<ArgumentRisk>& argument_risks() {
  static const std::vector<ArgumentRisk> kRisks = {
      {"clone", any_of_bits(0, kCloneNamespaces)},
      // TIOCSTI and TIOCLINUX type into somebody else's terminal
      // (include/uapi/asm-generic/ioctls.h).
      {"ioctl", any_of_values(1, {0x5412, 0x541c})},
      // ADDR_NO_RANDOMIZE (include/uapi/linux/personality.h).
      {"personality", any_of_values(0, {0x0040000})},
      // PTRACE_ATTACH and PTRACE_SEIZE (include/uapi/linux/ptrace.h); the
      // kernel reads the whole register.
      {"ptrace", {{0, ~std::uint64_t{0}, 16}, {0, ~std::uint64_t{0}, 0x4206}}},
      {"socket", rare_families()},
      {"socketpair", rare_families()},
      {"unshare", any_of_bits(0, kCloneNamespaces | kCloneNewTime)},
  };
  return kRisks;
}

const SyscallRisk* syscall_risk(std::string_view name) {
  const auto* it =
      std::ranges::lower_bound(kSyscalls, name, {}, &SyscallRisk::name);
  return it != std::end(kSyscalls) && it->name == name ? it : nullptr;
}

const CapabilityRisk* capability_risk(std::uint32_t number) {
  const auto* it = std::ranges::lower_bound(kCapabilities, number, {},
                                            &CapabilityRisk::number);
  return it != std::end(kCapabilities) && it->number == number ? it : nullptr;
}

}  // namespace vambrace::policy
