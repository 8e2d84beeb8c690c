#include "review/families.h"

#include <algorithm>
#include <iterator>

namespace vambrace::review {
namespace {

using Names = const std::string_view[];

constexpr Names kNames = {"rename", "renameat", "renameat2",
                          "unlink", "unlinkat", "link",
                          "linkat", "symlink",  "symlinkat"};
constexpr Names kFolders = {"mkdir",  "mkdirat", "rmdir",      "chdir",
                            "fchdir", "getcwd",  "getdents64", "getdents",
                            "mknod",  "mknodat"};
constexpr Names kOpening = {"open", "openat", "openat2", "creat"};
constexpr Names kLooking = {"stat",     "fstat",      "lstat",     "newfstatat",
                            "statx",    "access",     "faccessat", "faccessat2",
                            "readlink", "readlinkat", "statfs",    "fstatfs"};
constexpr Names kReading = {"read", "pread64", "readv", "preadv", "preadv2"};
constexpr Names kWriting = {"write", "pwrite64", "writev", "pwritev",
                            "pwritev2"};
constexpr Names kCopying = {"sendfile", "splice", "tee", "copy_file_range"};
constexpr Names kSizes = {"ftruncate", "truncate",  "fallocate",       "lseek",
                          "fsync",     "fdatasync", "sync_file_range", "msync",
                          "sync",      "syncfs"};
constexpr Names kModes = {"chmod",     "fchmod",   "fchmodat", "chown",
                          "fchown",    "fchownat", "lchown",   "umask",
                          "utimensat", "utime",    "utimes"};
constexpr Names kAttributes = {"getxattr",    "lgetxattr",    "fgetxattr",
                               "setxattr",    "lsetxattr",    "fsetxattr",
                               "listxattr",   "llistxattr",   "flistxattr",
                               "removexattr", "lremovexattr", "fremovexattr"};
constexpr Names kDescriptors = {"dup",  "dup2",  "dup3",       "fcntl",
                                "pipe", "pipe2", "close_range"};
constexpr Names kServing = {"socket",      "bind",       "listen",
                            "accept",      "accept4",    "getsockname",
                            "getpeername", "setsockopt", "getsockopt",
                            "shutdown",    "connect",    "socketpair"};
constexpr Names kSending = {"sendto", "sendmsg", "sendmmsg"};
constexpr Names kReceiving = {"recvfrom", "recvmsg", "recvmmsg"};
constexpr Names kWaiting = {"poll",           "ppoll",          "select",
                            "pselect6",       "epoll_wait",     "epoll_pwait",
                            "epoll_pwait2",   "epoll_create",   "epoll_create1",
                            "epoll_ctl",      "eventfd2",       "signalfd4",
                            "timerfd_create", "timerfd_settime"};
constexpr Names kChildren = {"fork",  "vfork",  "clone",   "clone3",
                             "wait4", "waitid", "execve",  "execveat",
                             "pipe2", "dup2",   "setpgid", "getppid"};
constexpr Names kSignals = {"kill",          "tgkill",          "tkill",
                            "rt_sigaction",  "rt_sigprocmask",  "rt_sigpending",
                            "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack",
                            "pause",         "alarm",           "setitimer"};
constexpr Names kUsers = {"getuid",    "geteuid",   "getgid",    "getegid",
                          "getresuid", "getresgid", "getgroups", "setuid",
                          "setgid",    "setgroups", "setresuid", "setresgid",
                          "setreuid",  "setregid",  "setfsuid",  "setfsgid"};
constexpr Names kProcess = {"getpid",  "getppid", "gettid", "getpgrp",
                            "getpgid", "getsid",  "setsid", "setpgid"};
constexpr Names kResources = {"getrusage", "prlimit64",   "getrlimit",
                              "setrlimit", "sysinfo",     "times",
                              "uname",     "getpriority", "setpriority"};
constexpr Names kTime = {"nanosleep",    "clock_nanosleep", "clock_gettime",
                         "clock_getres", "gettimeofday",    "time",
                         "timer_create", "timer_settime",   "timer_delete"};
constexpr Names kMemory = {"mmap",    "munmap",  "mremap",    "mprotect",
                           "brk",     "madvise", "mlock",     "munlock",
                           "mincore", "msync",   "fadvise64", "memfd_create"};
constexpr Names kScheduling = {
    "sched_yield",        "sched_getaffinity",      "sched_setaffinity",
    "sched_getparam",     "sched_setparam",         "sched_getscheduler",
    "sched_setscheduler", "sched_get_priority_max", "sched_get_priority_min",
    "sched_getattr",      "sched_setattr"};
constexpr Names kLocks = {"flock",  "fcntl",      "semget", "semop",
                          "semctl", "semtimedop", "futex"};
constexpr Names kSharedMemory = {"shmget", "shmat", "shmdt", "shmctl",
                                 "shm_open"};
constexpr Names kRings = {"io_setup",   "io_submit", "io_getevents",
                          "io_destroy", "io_cancel", "io_pgetevents"};
constexpr Names kWatching = {"inotify_init", "inotify_init1",
                             "inotify_add_watch", "inotify_rm_watch"};

constexpr Family kFamilies[] = {
    {"names of files", kNames},
    {"folders", kFolders},
    {"opening files", kOpening},
    {"looking at files", kLooking},
    {"reading", kReading},
    {"writing", kWriting},
    {"copying between files", kCopying},
    {"sizes and storage of files", kSizes},
    {"modes and owners", kModes},
    {"extended attributes", kAttributes},
    {"descriptors", kDescriptors},
    {"sockets", kServing},
    {"sending", kSending},
    {"receiving", kReceiving},
    {"waiting for events", kWaiting},
    {"child processes", kChildren},
    {"signals", kSignals},
    {"users and groups", kUsers},
    {"process ids", kProcess},
    {"resources", kResources},
    {"time", kTime},
    {"memory", kMemory},
    {"scheduling", kScheduling},
    {"locks", kLocks},
    {"shared memory", kSharedMemory},
    {"asynchronous input and output", kRings},
    {"watching files", kWatching},
};

struct Common {
  std::string_view name;
  std::uint32_t programs;
};
constexpr Common kCommon[] = {
#include "review/commonness.inc"
};
static_assert(std::ranges::is_sorted(kCommon, {}, &Common::name));

struct Missed {
  std::string_view name;
  std::string_view when;
};
constexpr Missed kMissed[] = {
    {"dup2", "a program or a log is started anew"},
    {"getpgrp", "a server is told to reload"},
    {"kill", "a server tells its workers to stop"},
    {"lstat", "a path is checked again"},
    {"mremap", "a buffer grows"},
    {"sysinfo", "memory is sized"},
    {"tgkill", "a program aborts or signals a thread"},
    {"umask", "a file is made for others"},
    {"unlink", "a cache or a socket is removed"},
};
static_assert(std::ranges::is_sorted(kMissed, {}, &Missed::name));

}  // namespace

std::span<const Family> families() {
  return kFamilies;
}

std::uint32_t commonness(std::string_view syscall) {
  const auto* it =
      std::ranges::lower_bound(kCommon, syscall, {}, &Common::name);
  return it != std::end(kCommon) && it->name == syscall ? it->programs : 0;
}

std::string_view missed_when(std::string_view syscall) {
  const auto* it =
      std::ranges::lower_bound(kMissed, syscall, {}, &Missed::name);
  return it != std::end(kMissed) && it->name == syscall ? it->when : "";
}

}  // namespace vambrace::review
