#include "policy/seccomp/fallback.h"

#include <algorithm>

#include "kernel/syscalls.h"

namespace vambrace::policy::seccomp {
namespace {

// Since Linux 5.1 a new call has the same number, from 424 on, in every table
// (arch/*/syscall tables of that release). Kernels without them are in use, so
// whoever calls one must live with ENOSYS.
constexpr std::uint32_t kCommonNumbers = 424;
// The common numbers end before x32's own.
constexpr std::uint32_t kX32Own = 512;

// Older calls that C libraries and runtimes try first and do without; sorted.
// glibc and musl: their callers test for ENOSYS and use the call named behind.
constexpr std::string_view kOlder[] = {
    "copy_file_range",  // read and write
    "execveat",         // execve of /proc/self/fd
    "getrandom",        // /dev/urandom
    "membarrier",       // signals to each thread
    "memfd_create",     // a file in /tmp
    "mlock2",           // mlock
    "pkey_alloc",       // no protection keys
    "pkey_free",        // no protection keys
    "preadv2",          // preadv
    "pwritev2",         // pwritev
    "renameat2",        // renameat
    "rseq",             // no per-CPU sequences
    "statx",            // fstatat
};
static_assert(std::ranges::is_sorted(kOlder));

}  // namespace

bool has_fallback(std::string_view name) {
  if (std::ranges::binary_search(kOlder, name)) {
    return true;
  }
  return std::ranges::any_of(kernel::kAllArches, [&](kernel::Arch arch) {
    const auto nr = kernel::syscall_number(arch, name);
    return nr && *nr >= kCommonNumbers && *nr < kX32Own;
  });
}

}  // namespace vambrace::policy::seccomp
