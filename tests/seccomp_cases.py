"""Profiles for seccomp_targets.py and the calls to make under each.

A call is (architecture, name or number, arguments...). The calls are such that
the kernel answers them at once and without effect, nearly all with EBADF, so
that an errno of the profile is told from an errno of the kernel.
"""

import json

ERRNO, ALLOW = "SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW"
X86_64, X86, X32 = "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"
FD = 99  # not open
WIDE = 0xdeadbeef00000000  # what a program may leave in the upper half

# What runc still calls after it has installed the filter, and what the prober
# needs. The highest number among them is 281, epoll_pwait.
BASE = """read write close mmap munmap fork wait4 alarm exit_group execve futex
openat fstatfs newfstatat fstat fcntl rt_sigreturn rt_sigprocmask nanosleep
tgkill gettid getpid epoll_pwait sched_yield madvise getdents64""".split()


def entry(names, action=ERRNO, errno=None, args=(), **more):
    out = {"names": names.split(), "action": action, **more}
    if errno is not None:
        out["errnoRet"] = errno
    if args:
        out["args"] = [{"index": index, "op": f"SCMP_CMP_{op}", "value": value,
                        "valueTwo": two}
                       for index, op, value, two in
                       ((*each, 0)[:4] for each in args)]
    return out


def profile(*entries, default=ERRNO, arches=(X86_64,), **more):
    out = {"defaultAction": default, **more,
           "syscalls": [entry(" ".join(BASE), ALLOW), *entries]}
    if arches:
        out["architectures"] = list(arches)
    return out


def native(*calls):
    return [("x86_64", *call) for call in calls]


# On both sides of the highest number named, unused numbers, foreign calls.
AROUND = native(("flock", FD), ("personality", 0xffffffff), ("utimensat", FD, 0, 0, 0xffffffff),
                ("signalfd", FD), ("close_range", 9, 8), ("openat2", FD), ("pidfd_getfd", FD),
                ("faccessat2", FD), ("futex_requeue",), ("mseal", 1, 1, 1), (334, 0, 1),
                ("getpid",), ("gettid",)) + [
    ("i386", "getpid"), ("i386", "flock", FD), ("i386", "openat2", FD),
    ("x32", "getpid"), ("x32", "flock", FD), ("x32", "openat2", FD)]

FDS = ["ftruncate", "fadvise64", "readahead", "sync_file_range", "flock", "fchmod", "fallocate"]


def compared(name, *values):
    return [("x86_64", name, FD, value) for value in values]


ARGUMENTS = profile(
    entry("ftruncate", errno=101, args=[(1, "EQ", 8)]),
    entry("fadvise64", errno=102, args=[(1, "NE", 8)]),
    entry("readahead", errno=103, args=[(1, "GT", 1 << 32)]),
    entry("sync_file_range", errno=104, args=[(1, "GE", 8)]),
    entry("flock", errno=105, args=[(1, "LT", (1 << 32) + 8)]),
    entry("fchmod", errno=106, args=[(1, "LE", 8)]),
    # Together: both indices must hold.
    entry("lseek", errno=107, args=[(1, "EQ", 5), (2, "EQ", 6)]),
    # One index twice: either is enough, and so is a third on another index.
    entry("pread64", errno=108, args=[(1, "EQ", 5), (1, "EQ", 6)]),
    entry("pwrite64", errno=109, args=[(1, "EQ", 5), (1, "EQ", 6), (2, "EQ", 7)]),
    # The same said with several entries.
    entry("fchown", errno=110, args=[(1, "EQ", 5)]),
    entry("fchown", errno=110, args=[(1, "EQ", 6), (2, "EQ", 7)]),
    # Seven and more conditions.
    entry("getdents", errno=111, args=[(1, "EQ", value) for value in range(8)]),
    # No condition: decides wherever it stands.
    entry("fsync", errno=112, args=[(0, "EQ", FD)]), entry("fsync", errno=113),
    entry("fdatasync", errno=114), entry("fdatasync", errno=115, args=[(0, "EQ", FD)]),
    default=ALLOW)

EDGES = (0, 7, 8, 9, 1 << 32, (1 << 32) + 1, (1 << 32) + 7, (1 << 32) + 8, WIDE, WIDE + 8,
         (1 << 64) - 1)

MASKED = profile(
    entry("ftruncate", errno=101, args=[(1, "MASKED_EQ", 0xffffffff, 2)]),
    entry("fadvise64", errno=102, args=[(1, "MASKED_EQ", (1 << 64) - 1, 2)]),
    entry("readahead", errno=103, args=[(1, "MASKED_EQ", 0xff00000000, 0x200000000)]),
    entry("sync_file_range", errno=104, args=[(1, "MASKED_EQ", 0xf0, 0x20)]),
    entry("flock", errno=105, args=[(1, "MASKED_EQ", 0x8000000000000001, 1)]),
    entry("fchmod", errno=106, args=[(1, "MASKED_EQ", 0xf0, 0x20), (2, "MASKED_EQ", 0xf, 1)]),
    entry("pread64", errno=107, args=[(1, "MASKED_EQ", 0xf0, 0x20), (1, "MASKED_EQ", 0xf, 1)]),
    default=ALLOW)

MASKED_VALUES = (0, 1, 2, 3, 0x20, 0x2f, WIDE + 1, WIDE + 2, WIDE + 0x20, 0x200000000,
                 0x7f00000201, (1 << 63) + 1)

ACTIONS = profile(
    entry("flock", errno=0), entry("fsync", errno=4094), entry("fdatasync"),
    entry("fchmod", "SCMP_ACT_KILL"), entry("fchown", "SCMP_ACT_KILL_THREAD"),
    entry("ftruncate", "SCMP_ACT_KILL_PROCESS"), entry("fadvise64", "SCMP_ACT_TRAP"),
    entry("readahead", "SCMP_ACT_LOG"), entry("syncfs", "SCMP_ACT_TRACE"),
    entry("fallocate", "SCMP_ACT_TRACE", 7), entry("lseek", ALLOW))

ARCHES = [entry("socket bind", errno=101), entry("shmget", errno=102),
          entry("flock", errno=103, args=[(0, "EQ", FD), (1, "GE", 8)]),
          entry("connect", errno=104, args=[(1, "EQ", 8)]),
          entry("ioctl", errno=105), entry("_llseek", errno=106)]
ARCH_CALLS = native(("socket", 77), ("shmget", 1), ("flock", FD, 8), ("flock", FD, WIDE),
                    ("flock", FD, 7), ("ioctl", FD), ("lseek", FD), ("openat2", FD),
                    ("getpid",), ("connect", FD, 8), ("connect", FD, 7)) + [
    (arch, *call) for arch in ("i386", "x32") for call in [
        ("socket", 77), ("bind", FD), ("flock", FD, 8), ("flock", FD, WIDE), ("flock", FD, 7),
        ("ioctl", FD), ("lseek", FD), ("openat2", FD), ("getpid",), ("connect", FD, 8)]] + [
    ("i386", "socketcall", 1), ("i386", "socketcall", 2), ("i386", "socketcall", 3, 8),
    ("i386", "socketcall", 3, 7), ("i386", "socketcall", 99), ("i386", "ipc", 23),
    ("i386", "ipc", 99), ("i386", "_llseek", FD), ("i386", "socketcall", WIDE + 1)]

FILTERED = profile(
    entry("flock", errno=101, includes={"caps": ["CAP_SYS_ADMIN"]}),
    entry("fsync", errno=102, includes={"caps": ["CAP_CHOWN"]}),
    entry("fdatasync", errno=103, excludes={"caps": ["CAP_SYS_ADMIN"]}),
    entry("fchmod", errno=104, excludes={"caps": ["CAP_CHOWN"]}),
    entry("fchown", errno=105, includes={"arches": ["amd64"]}),
    entry("ftruncate", errno=106, includes={"arches": ["arm64"]}),
    entry("fadvise64", errno=107, excludes={"arches": ["amd64"]}),
    entry("readahead", errno=108, includes={"minKernel": "4.8"}),
    entry("syncfs", errno=109, includes={"minKernel": "99.0"}),
    entry("fallocate", errno=110, excludes={"minKernel": "4.8"}),
    entry("lseek", errno=111, includes={"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}),
    entry("pread64", errno=112, includes={"caps": ["CAP_CHOWN"], "arches": ["arm64"]}),
    arches=(), archMap=[{"architecture": X86_64, "subArchitectures": [X86]},
                        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []}])
FILTERED_CALLS = native(*[(name, FD) for name in
                          "flock fsync fdatasync fchmod fchown ftruncate fadvise64 readahead "
                          "syncfs fallocate lseek pread64".split()]) + [("i386", "flock", FD)]

# name: profile, calls
CASES = {
    "no errno for the default": (profile(), AROUND),
    "an errno for the default": (profile(defaultErrnoRet=101), AROUND),
    "names above, one of them unknown to libseccomp": (
        profile(entry("openat2 mseal no_such_call", errno=101), defaultErrnoRet=102), AROUND),
    "a default that allows": (
        profile(entry("flock signalfd openat2", errno=101), default=ALLOW), AROUND),
    "arguments": (ARGUMENTS, [
        call for name in FDS for call in compared(name, *EDGES)] + native(
            *[(name, FD, second, third)
              for name in ("lseek", "pread64", "pwrite64", "fchown", "getdents")
              for second, third in [(0, 0), (5, 0), (5, 6), (6, 6), (6, 7), (9, 7), (5, 7),
                                    (WIDE + 5, 6), (7, 0)]],
            ("fsync", FD), ("fsync", 98), ("fdatasync", FD), ("fdatasync", 98))),
    "masks": (MASKED, [
        call for name in FDS[:5] for call in compared(name, *MASKED_VALUES)] + native(
            *[(name, FD, second, third) for name in ("fchmod", "pread64")
              for second in (0x20, 1, WIDE + 0x2f, 0x31) for third in (1, WIDE + 1, 2)])),
    "actions": (ACTIONS, native(*[(name, FD) for name in
                                  "flock fsync fdatasync fchmod fchown ftruncate fadvise64 "
                                  "readahead syncfs fallocate lseek ioctl".split()])),
    "no architecture": (profile(*ARCHES, arches=(), defaultErrnoRet=107), ARCH_CALLS),
    "x86_64 alone": (profile(*ARCHES, defaultErrnoRet=107), ARCH_CALLS),
    "i386 beside": (profile(*ARCHES, arches=(X86_64, X86), defaultErrnoRet=107), ARCH_CALLS),
    "i386 alone": (profile(*ARCHES, arches=(X86,)), ARCH_CALLS),
    "i386, x32 and another": (
        profile(*ARCHES, arches=(X86_64, X86, X32, "SCMP_ARCH_AARCH64")), ARCH_CALLS),
    "includes and excludes": (FILTERED, FILTERED_CALLS),
}

# Profiles that some target does not start a container with, and the call to
# make where one starts.
DOUBTFUL_CALL = ("x86_64", "flock", FD)
DOUBTFUL = {
    "errnoRet beside allow": profile(entry("flock", ALLOW, 5)),
    "defaultErrnoRet beside allow": profile(default=ALLOW, defaultErrnoRet=5),
    "a flag": profile(flags=["SECCOMP_FILTER_FLAG_LOG"]),
    "an architecture that runc learned later": profile(arches=(X86_64, "SCMP_ARCH_RISCV64")),
    "errno 4095": profile(entry("flock", errno=4095)),
    "errno 4095 for the default": profile(defaultErrnoRet=4095),
    "the old key name": {"defaultAction": ALLOW, "syscalls": [
        {"name": "flock", "action": ERRNO, "errnoRet": 101}]},
    "notifications": profile(entry("write", "SCMP_ACT_NOTIFY")),
    "nothing doubtful": profile(),
}


def text(value):
    return json.dumps(value, indent=1)
