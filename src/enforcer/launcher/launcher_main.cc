// The program that `verify` mounts over a workload's executable.
//
// Whoever starts the workload, by whatever path, starts this instead. It finds
// its orders at the end of its own file, says in the report file that it was
// here, gives itself back the executable that it covers, and becomes that
// program under the policy. The steps are ordered so that nothing but execve
// comes after the filter.
//
// Getting the executable back: with CAP_SYS_ADMIN it leaves for a mount
// namespace of its own and takes the cover off there, so that the program has
// its true path in /proc/self/exe. Without, it starts the program by the second
// path that verify kept for it; /proc/self/exe then shows that path.
//
// Static and without the C library: it starts in any environment (LD_PRELOAD,
// an odd library path), and costs a handful of system calls.

#include <elf.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/stat.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "enforcer/capability_plan.h"
#include "enforcer/launcher/entry.h"
#include "enforcer/launcher/launch.h"
#include "enforcer/launcher/raw_call.h"

namespace {

using vambrace::enforcer::address;
using vambrace::enforcer::confine;
using vambrace::enforcer::kCapSysAdmin;
using vambrace::enforcer::LaunchFailure;
using vambrace::enforcer::LaunchFooter;
using vambrace::enforcer::LaunchSpec;
using vambrace::enforcer::raw_call;

constexpr int kCannotStart = 126;  // as a shell says "found but not started"

LaunchSpec g_spec;

bool same(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) {
    ++a;
    ++b;
  }
  return *a == *b;
}

// One line, written with one call so that lines of several launchers do not
// mix.
struct Line {
  char text[vambrace::enforcer::kMaxPath + 64];
  unsigned long used = 0;

  void add(const char* word) {
    for (; *word != '\0' && used < sizeof text - 1; ++word) {
      text[used++] = *word == '\n' ? ' ' : *word;
    }
  }
  void add_number(long number) {
    char digits[24];
    int n = 0;
    do {
      digits[n++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (n > 0 && used < sizeof text - 1) {
      text[used++] = digits[--n];
    }
  }
  void write_to(int fd) {
    text[used++] = '\n';
    raw_call(SYS_write, fd, address(text), static_cast<long>(used));
  }
};

[[noreturn]] void leave(int status) {
  for (;;) {
    raw_call(SYS_exit_group, status);
  }
}

// Says it to the report and to standard error, and ends.
[[noreturn]] void give_up(int report, const char* step, long error) {
  Line line;
  line.add("failed ");
  line.add_number(error);
  line.add(" ");
  line.add(step);
  if (report >= 0) {
    Line copy = line;
    copy.write_to(report);
  }
  Line message;
  message.add("vambrace: the workload was not started: ");
  message.add(step);
  if (error != 0) {
    message.add(": errno ");
    message.add_number(error);
  }
  message.write_to(2);
  leave(kCannotStart);
}

const unsigned long* auxiliary_vector(char** envp) {
  while (*envp != nullptr) {
    ++envp;
  }
  return reinterpret_cast<const unsigned long*>(envp + 1);
}

const char* started_as(char** envp) {
  for (const unsigned long* v = auxiliary_vector(envp); v[0] != AT_NULL;
       v += 2) {
    if (v[0] == AT_EXECFN) {
      return reinterpret_cast<const char*>(v[1]);
    }
  }
  return "";
}

// Reads the orders at the end of this very file.
void read_spec(const char* own_path) {
  long fd = raw_call(SYS_openat, AT_FDCWD, address("/proc/self/exe"),
                     O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fd =
        raw_call(SYS_openat, AT_FDCWD, address(own_path), O_RDONLY | O_CLOEXEC);
  }
  LaunchFooter footer;
  const LaunchFooter expected;
  const long end = raw_call(SYS_lseek, fd, 0, 2);
  const long footer_at = end - static_cast<long>(sizeof footer);
  if (fd < 0 || raw_call(SYS_pread64, fd, address(&footer), sizeof footer,
                         footer_at) != static_cast<long>(sizeof footer)) {
    give_up(-1, "the launcher cannot read its own file", 0);
  }
  for (unsigned i = 0; i < sizeof footer.magic; ++i) {
    if (footer.magic[i] != expected.magic[i]) {
      give_up(-1, "the launcher carries no orders", 0);
    }
  }
  if (footer.spec_bytes != sizeof g_spec ||
      raw_call(SYS_pread64, fd, address(&g_spec), sizeof g_spec,
               footer_at - static_cast<long>(sizeof g_spec)) !=
          static_cast<long>(sizeof g_spec)) {
    give_up(-1, "the launcher's orders are of another version", 0);
  }
  raw_call(SYS_close, fd);
}

bool wanted(char** argv) {
  if (g_spec.matching[0] == '\0') {
    return true;
  }
  for (; *argv != nullptr; ++argv) {
    if (same(*argv, g_spec.matching)) {
      return true;
    }
  }
  return false;
}

// A launcher that starts under the policy: the workload started itself again.
// That there is some filter says nothing: the starter may have its own.
bool already_confined() {
  return g_spec.has_filter != 0 && vambrace::enforcer::marked();
}

// The path by which this program was asked for is kept if it names the covered
// file itself. A script's interpreter is started by the script's name, which
// must not be started again.
bool names_cover(const char* path) {
  struct statx asked{};
  struct statx cover{};
  return path[0] != '\0' &&
         raw_call(SYS_statx, AT_FDCWD, address(path), 0, STATX_INO,
                  address(&asked)) == 0 &&
         raw_call(SYS_statx, AT_FDCWD, address(g_spec.exe), 0, STATX_INO,
                  address(&cover)) == 0 &&
         asked.stx_ino == cover.stx_ino &&
         asked.stx_dev_major == cover.stx_dev_major &&
         asked.stx_dev_minor == cover.stx_dev_minor;
}

// Asked without trying, so that the recorder sees no refused check of ours.
bool may_mount() {
  struct __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2]{};
  return raw_call(SYS_capget, address(&header), address(data)) == 0 &&
         (data[0].effective & kCapSysAdmin) != 0;
}

// The path that now leads to the covered program.
const char* uncover(const char* asked) {
  const bool direct = names_cover(asked);
  if (!may_mount() || raw_call(SYS_unshare, CLONE_NEWNS) != 0) {
    return g_spec.original;
  }
  raw_call(SYS_mount, 0, address("/"), 0, MS_REC | MS_PRIVATE);
  if (raw_call(SYS_umount2, address(g_spec.exe), MNT_DETACH) != 0) {
    return g_spec.original;
  }
  return direct ? asked : g_spec.exe;
}

}  // namespace

// The compiler may turn copies into calls of these.
extern "C" void* memset(void* to, int byte, unsigned long size) {
  char* out = static_cast<char*>(to);
  for (unsigned long i = 0; i < size; ++i) {
    out[i] = static_cast<char>(byte);
  }
  return to;
}

extern "C" void* memcpy(void* to, const void* from, unsigned long size) {
  char* out = static_cast<char*>(to);
  const char* in = static_cast<const char*>(from);
  for (unsigned long i = 0; i < size; ++i) {
    out[i] = in[i];
  }
  return to;
}

extern "C" [[noreturn]] void start_program(long* stack) {
  char** argv = reinterpret_cast<char**>(stack + 1);
  char** envp = argv + stack[0] + 1;
  const char* asked = started_as(envp);
  read_spec(asked);

  const bool confined = already_confined();
  const bool chosen = wanted(argv) && !confined;
  const int report = static_cast<int>(
      confined ? -1
               : raw_call(SYS_openat, AT_FDCWD, address(g_spec.report),
                          O_WRONLY | O_APPEND | O_CLOEXEC));
  const char* program = confined ? g_spec.original : uncover(asked);
  if (chosen) {
    Line line;
    line.add("confined ");
    line.add_number(raw_call(SYS_getpid));
    line.add(" ");
    line.add(g_spec.exe);
    line.write_to(report);
    if (LaunchFailure f = confine(g_spec); f.step != nullptr) {
      give_up(report, f.step, f.error);
    }
  }
  const long r =
      raw_call(SYS_execve, address(program), address(argv), address(envp));
  give_up(report, "execve", -r);
}
