#include "runtime/model.h"

#include <algorithm>
#include <utility>

// Read for this file:
//   runc 1.1.5     libcontainer/seccomp/seccomp_linux.go,
//                  libcontainer/seccomp/patchbpf/enosys_linux.go,
//                  libcontainer/specconv/spec_linux.go
//   runc 1.2.0     the same files
//   crun 1.8.1     src/libcrun/seccomp.c
//   moby 20.10.24  profiles/seccomp/seccomp.go, seccomp_linux.go
//   libseccomp 2.5.4 with Debian's patch (calls up to Linux 6.7)
//                  src/db.c, src/gen_bpf.c, src/syscalls.c, src/arch-x32.c
namespace vambrace::runtime {
namespace {

constexpr std::uint32_t kSpecAllow = 4;  // SECCOMP_FILTER_FLAG_SPEC_ALLOW

void apply_engine(const Target& target, SeccompModel& model) {
  switch (target.engine) {
    case Engine::Docker:
      // moby's Seccomp struct of 20.10 has no field for either key; 22.06
      // embeds the one of the specification.
      model.reads_engine_form = true;
      model.reads_min_kernel = true;
      model.keeps_default_errno = target.engine_version >= Version{22, 6, 0};
      model.keeps_flags = model.keeps_default_errno;
      break;
    case Engine::Podman:
      model.reads_engine_form = true;
      break;
    case Engine::None:
      // Our own launcher reads what Docker reads, and drops nothing.
      model.reads_engine_form = target.runtime == Runtime::Process;
      model.reads_min_kernel = model.reads_engine_form;
      break;
    case Engine::Containerd:
    case Engine::Kubernetes:
      // The file is decoded into the specification's struct.
      break;
  }
}

void apply_runtime(const Target& target, SeccompModel& model) {
  const bool runc_1_2 = target.runtime_version >= Version{1, 2, 0};
  switch (target.runtime) {
    case Runtime::Runc:
      model.enosys_stub = true;
      model.refuses_flags = !runc_1_2;
      model.refuses_notify_on_write = true;
      model.stub_covers_native = target.runtime_version >= Version{1, 1, 15};
      model.tree_above = runc_1_2 ? 32 : 0;
      model.default_flags = runc_1_2 ? kSpecAllow : 0;
      break;
    case Runtime::Crun:
      model.refuses_unused_errno = true;
      model.refuses_old_name = !model.reads_engine_form;
      model.max_conditions = 6;
      model.default_flags = kSpecAllow;
      break;
    case Runtime::Process:
      break;
  }
}

// The highest number in libseccomp's tables: they follow the kernel's common
// numbering since 424, equal on all architectures.
std::uint32_t last_number(Version libseccomp) {
  if (libseccomp >= Version{2, 6, 0}) {
    return 462;  // mseal, Linux 6.10
  }
  if (libseccomp >= Version{2, 5, 4}) {
    // Upstream 2.5.4 ends at 450; the one of Debian 12 and upstream 2.5.5
    // know Linux 6.7, futex_requeue.
    return 456;
  }
  return 448;
}

}  // namespace

SeccompModel seccomp_model(const Target& target) {
  SeccompModel model;
  apply_engine(target, model);
  apply_runtime(target, model);
  return model;
}

bool libseccomp_knows(const Target& target, kernel::Syscall syscall) {
  const bool x32 = syscall.arch == kernel::Arch::X32;
  // Numbers that kernels after Linux 6.7 gave out of order (uretprobe, uprobe),
  // or then also to x32 (map_shadow_stack).
  const bool later = ((syscall.arch == kernel::Arch::X86_64 || x32) &&
                      (syscall.nr == 335 || syscall.nr == 336)) ||
                     (x32 && syscall.nr == 453);
  // x32 has numbers of its own, above all others.
  const bool of_x32 = x32 && syscall.nr >= 512;
  return kernel::syscall_name(syscall).has_value() && !later &&
         (of_x32 || syscall.nr <= last_number(target.libseccomp));
}

std::optional<Multiplexed> multiplexed_on_i386(std::string_view name) {
  // include/uapi/linux/net.h and include/uapi/linux/ipc.h
  constexpr std::uint32_t kSocketcall = 102;
  constexpr std::uint32_t kIpc = 117;
  static constexpr std::pair<std::string_view, Multiplexed> kCalls[] = {
      {"socket", {kSocketcall, 1}},
      {"bind", {kSocketcall, 2}},
      {"connect", {kSocketcall, 3}},
      {"listen", {kSocketcall, 4}},
      {"accept", {kSocketcall, 5}},
      {"getsockname", {kSocketcall, 6}},
      {"getpeername", {kSocketcall, 7}},
      {"socketpair", {kSocketcall, 8}},
      {"send", {kSocketcall, 9}},
      {"recv", {kSocketcall, 10}},
      {"sendto", {kSocketcall, 11}},
      {"recvfrom", {kSocketcall, 12}},
      {"shutdown", {kSocketcall, 13}},
      {"setsockopt", {kSocketcall, 14}},
      {"getsockopt", {kSocketcall, 15}},
      {"sendmsg", {kSocketcall, 16}},
      {"recvmsg", {kSocketcall, 17}},
      {"accept4", {kSocketcall, 18}},
      {"recvmmsg", {kSocketcall, 19}},
      {"sendmmsg", {kSocketcall, 20}},
      {"semop", {kIpc, 1}},
      {"semget", {kIpc, 2}},
      {"semctl", {kIpc, 3}},
      {"semtimedop", {kIpc, 4}},
      {"msgsnd", {kIpc, 11}},
      {"msgrcv", {kIpc, 12}},
      {"msgget", {kIpc, 13}},
      {"msgctl", {kIpc, 14}},
      {"shmat", {kIpc, 21}},
      {"shmdt", {kIpc, 22}},
      {"shmget", {kIpc, 23}},
      {"shmctl", {kIpc, 24}},
  };
  const auto* it = std::ranges::find(
      kCalls, name, &std::pair<std::string_view, Multiplexed>::first);
  return it == std::end(kCalls) ? std::nullopt : std::optional(it->second);
}

bool accepts_architecture(const Target& target, std::string_view scmp_name) {
  static constexpr std::string_view kRunc[] = {
      "SCMP_ARCH_X86",      "SCMP_ARCH_X86_64",      "SCMP_ARCH_X32",
      "SCMP_ARCH_ARM",      "SCMP_ARCH_AARCH64",     "SCMP_ARCH_MIPSEL",
      "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC64LE",
  };
  if (std::ranges::find(kRunc, scmp_name) != std::end(kRunc)) {
    return true;
  }
  const bool newer = target.runtime != Runtime::Runc ||
                     target.runtime_version >= Version{1, 2, 0};
  return newer && scmp_name == "SCMP_ARCH_RISCV64";
}

}  // namespace vambrace::runtime
