#include "recorder/ebpf/rules.h"

#include <algorithm>
#include <cerrno>
#include <initializer_list>
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
    {"mount", VMB_FILE_MOUNT},
    {"umount", VMB_FILE_UMOUNT},
    {"umount2", VMB_FILE_UMOUNT},
    {"pivot_root", VMB_FILE_PIVOT},
    {"move_mount", VMB_FILE_MOVE_MOUNT},
    {"ptrace", VMB_FILE_TRACE},
    {"process_vm_readv", VMB_FILE_TRACE_MEMORY},
    {"process_vm_writev", VMB_FILE_TRACE_MEMORY},
    {"recvmsg", VMB_FILE_RECVMSG},
    {"pidfd_getfd", VMB_FILE_GETFD},
    {"kill", VMB_FILE_SIGNAL},
    {"tkill", VMB_FILE_SIGNAL},
    {"tgkill", VMB_FILE_SIGNAL},
    {"rt_sigqueueinfo", VMB_FILE_SIGNAL},
    {"rt_tgsigqueueinfo", VMB_FILE_SIGNAL},
    {"pidfd_send_signal", VMB_FILE_SIGNAL},
    {"execve", VMB_FILE_EXEC},
    {"execveat", VMB_FILE_EXEC},
};

// A call that names files and gives no descriptor. What it asks AppArmor is in
// security/apparmor/lsm.c, apparmor_path_*().
struct NamingCall {
  std::string_view name;
  vmb_name first;
  vmb_name second;
};

constexpr u32 kMoved = VMB_ACCESS_READ | VMB_ACCESS_WRITE | VMB_ACCESS_DELETE;
constexpr u32 kMovedTo = VMB_ACCESS_WRITE | VMB_ACCESS_CREATE | VMB_FILE_MADE;

// {argument of the name + 1, of the folder's descriptor + 1, unused, access}.
constexpr NamingCall kNamingCalls[] = {
    {"unlink", {1, 0, 0, VMB_ACCESS_DELETE}, {}},
    {"unlinkat", {2, 1, 0, VMB_ACCESS_DELETE}, {}},
    {"rmdir", {1, 0, 0, VMB_ACCESS_DELETE | VMB_FILE_FOLDER}, {}},
    {"mkdir", {1, 0, 0, VMB_ACCESS_CREATE | VMB_FILE_FOLDER}, {}},
    {"mkdirat", {2, 1, 0, VMB_ACCESS_CREATE | VMB_FILE_FOLDER}, {}},
    {"mknod", {1, 0, 0, VMB_ACCESS_CREATE}, {}},
    {"mknodat", {2, 1, 0, VMB_ACCESS_CREATE}, {}},
    {"symlink", {2, 0, 0, VMB_ACCESS_CREATE}, {}},
    {"symlinkat", {3, 2, 0, VMB_ACCESS_CREATE}, {}},
    {"link", {2, 0, 0, VMB_ACCESS_LINK}, {}},
    {"linkat", {4, 3, 0, VMB_ACCESS_LINK}, {}},
    {"rename", {1, 0, 0, kMoved}, {2, 0, 0, kMovedTo}},
    {"renameat", {2, 1, 0, kMoved}, {4, 3, 0, kMovedTo}},
    {"renameat2", {2, 1, 0, kMoved}, {4, 3, 0, kMovedTo}},
    {"chmod", {1, 0, 0, VMB_ACCESS_CHMOD}, {}},
    {"fchmodat", {2, 1, 0, VMB_ACCESS_CHMOD}, {}},
    {"fchmodat2", {2, 1, 0, VMB_ACCESS_CHMOD}, {}},
    {"chown", {1, 0, 0, VMB_ACCESS_CHOWN}, {}},
    {"chown32", {1, 0, 0, VMB_ACCESS_CHOWN}, {}},
    {"lchown", {1, 0, 0, VMB_ACCESS_CHOWN}, {}},
    {"lchown32", {1, 0, 0, VMB_ACCESS_CHOWN}, {}},
    {"fchownat", {2, 1, 0, VMB_ACCESS_CHOWN}, {}},
    {"truncate", {1, 0, 0, VMB_ACCESS_WRITE}, {}},
    {"truncate64", {1, 0, 0, VMB_ACCESS_WRITE}, {}},
};

// What the socket in the file system is asked for.
constexpr std::pair<std::string_view, u32> kAddressCalls[] = {
    {"bind", VMB_ACCESS_CREATE},
    {"connect", VMB_ACCESS_READ | VMB_ACCESS_WRITE},
};

constexpr u64 errors(std::initializer_list<int> numbers) {
  u64 mask = 0;
  for (const int number : numbers) {
    mask |= u64{1} << static_cast<unsigned>(number);
  }
  return mask;
}

struct Unopened {
  std::string_view name;
  vmb_name file;  // without access: the flags tell it
};

// Calls that open or execute what they name.
constexpr Unopened kOpeningCalls[] = {
    {"open", {1, 0, 0, 0}},   {"creat", {1, 0, 0, 0}},
    {"openat", {2, 1, 0, 0}}, {"openat2", {2, 1, 0, 0}},
    {"execve", {1, 0, 0, 0}}, {"execveat", {2, 1, 0, 0}},
};

struct Failing {
  std::string_view name;
  u64 asked;
};

constexpr u64 kOpenFails = errors({EINTR, ENXIO, EAGAIN, EBUSY, ENODEV});
constexpr u64 kRenameFails = errors({ENOTEMPTY, EBUSY, EXDEV});

// Errors of Linux 6.1 to 6.18 that come after the question. They may come from
// elsewhere, too (EXDEV of two mounts; EISDIR of a name that ends in a slash):
// then the program gets them under a profile, and the rule is never asked for.
// Left out is what mostly comes before, as EPERM of a chown.
constexpr Failing kFailing[] = {
    // fs/open.c, do_dentry_open: the lease is broken and the file system or the
    // device opens the file after security_file_open.
    {"open", kOpenFails},
    {"openat", kOpenFails},
    {"creat", kOpenFails},
    // EAGAIN: what RESOLVE_CACHED did not find.
    {"openat2", kOpenFails & ~errors({EAGAIN})},
    // fs/locks.c: security_file_lock comes first.
    {"flock", errors({EINTR, EAGAIN})},
    {"fcntl", errors({EINTR, EAGAIN, EDEADLK})},
    {"fcntl64", errors({EINTR, EAGAIN, EDEADLK})},
    // fs/namei.c: security_path_* comes before vfs_*.
    {"unlink", errors({EISDIR, EBUSY})},
    {"unlinkat", errors({EISDIR, EBUSY, ENOTEMPTY})},
    {"rmdir", errors({EBUSY, ENOTEMPTY})},
    {"rename", kRenameFails},
    {"renameat", kRenameFails},
    {"renameat2", kRenameFails},
    // mm/util.c: security_mmap_file comes before do_mmap. EPERM: noexec.
    {"mmap", errors({EPERM, ENODEV})},
    {"mmap2", errors({EPERM, ENODEV})},
    // fs/exec.c: a file without a format, as a script without "#!".
    {"execve", errors({ENOEXEC})},
    {"execveat", errors({ENOEXEC})},
};

void add_failures(vmb_rule& rule, std::string_view name) {
  for (const Unopened& call : kOpeningCalls) {
    if (name == call.name) {
      rule.name[0] = call.file;
    }
  }
  for (const Failing& call : kFailing) {
    if (name == call.name && rule.file != VMB_FILE_NOTHING) {
      rule.asked = call.asked;
    }
  }
}

void add_names(vmb_rule& rule, std::string_view name) {
  for (const NamingCall& call : kNamingCalls) {
    if (name == call.name) {
      rule.file = VMB_FILE_NAMED;
      rule.name[0] = call.first;
      rule.name[1] = call.second;
      rule.flags = name == "unlinkat" ? 3 : name == "renameat2" ? 5 : 0;
    }
  }
  for (const auto& [known, access] : kAddressCalls) {
    if (name == known) {
      rule.file = VMB_FILE_ADDRESS;
      rule.name[0].access = access;
    }
  }
}

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
  add_names(rule, name.value_or(""));
  add_failures(rule, name.value_or(""));
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
