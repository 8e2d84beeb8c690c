#include "enforcer/launcher/launch.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "enforcer/capability_plan.h"
#include "enforcer/launcher/raw_call.h"

namespace vambrace::enforcer {
namespace {

constexpr LaunchFailure kFine{};

#if defined(__x86_64__)
constexpr std::uint32_t kOwnArch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kOwnArch = AUDIT_ARCH_AARCH64;
#endif

// The marked filter answers prctl(kMarkOption) with kMarkError. Without it the
// kernel knows no such option (EINVAL) and nothing returns such an errno.
constexpr std::uint32_t kMarkOption = 0x564d4252;
constexpr std::uint32_t kMarkError = 3434;  // up to 4095 is an errno
constexpr std::uint16_t kOfData = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr struct sock_filter kMark[] = {
    {kOfData, 0, 0, offsetof(struct seccomp_data, arch)},
    {kIfEqual, 0, 5, kOwnArch},
    {kOfData, 0, 0, offsetof(struct seccomp_data, nr)},
    {kIfEqual, 0, 3, SYS_prctl},
    {kOfData, 0, 0, offsetof(struct seccomp_data, args)},  // its low half
    {kIfEqual, 0, 1, kMarkOption},
    {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | kMarkError}};
constexpr std::uint32_t kMarkLength = sizeof kMark / sizeof kMark[0];

LaunchFailure failed(const char* step, long result) {
  return {step, static_cast<int>(-result)};
}

// Both halves of the 64-bit sets, as version 3 of the interface wants them.
struct CapabilityCall {
  struct __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2]{};
};

CapabilityMask joined(std::uint32_t low, std::uint32_t high) {
  return low | (CapabilityMask{high} << 32);
}

CapabilityMask bounding_set() {
  CapabilityMask set = 0;
  for (unsigned number = 0; number < 64; ++number) {
    const long held = raw_call(SYS_prctl, PR_CAPBSET_READ, number);
    if (held < 0) {
      break;  // above the last capability of this kernel
    }
    set |= held == 1 ? mask_of(number) : 0;
  }
  return set;
}

LaunchFailure drop_bounding(CapabilityMask dropped) {
  for (unsigned number = 0; number < 64; ++number) {
    if ((dropped & mask_of(number)) == 0) {
      continue;
    }
    if (long r = raw_call(SYS_prctl, PR_CAPBSET_DROP, number); r < 0) {
      return failed("drop from the capability bounding set", r);
    }
  }
  return kFine;
}

LaunchFailure change_user(const LaunchSpec& spec) {
  if (long r = raw_call(SYS_prctl, PR_SET_KEEPCAPS, 1); r < 0) {
    return failed("keep capabilities over the change of user", r);
  }
  if (long r = raw_call(SYS_setgroups, spec.group_count, address(spec.groups));
      r < 0) {
    return failed("set the supplementary groups", r);
  }
  if (long r = raw_call(SYS_setresgid, spec.gid, spec.gid, spec.gid); r < 0) {
    return failed("set the group", r);
  }
  if (long r = raw_call(SYS_setresuid, spec.uid, spec.uid, spec.uid); r < 0) {
    return failed("set the user", r);
  }
  if (raw_call(SYS_geteuid) != static_cast<long>(spec.uid) ||
      raw_call(SYS_getegid) != static_cast<long>(spec.gid)) {
    return {"the user or group is not the one that was set", 0};
  }
  return kFine;
}

// True if the task already has what the plan asks for. Then capset is left out:
// it asks for CAP_SETPCAP even to change nothing, which the recorder would see
// as a refused check of the workload.
bool as_planned(const CapabilityPlan& plan, const CapabilityCall& now) {
  const auto set = [&](auto field) {
    return joined(now.data[0].*field, now.data[1].*field);
  };
  using Data = struct __user_cap_data_struct;
  return set(&Data::permitted) == plan.until_exec &&
         set(&Data::effective) == plan.until_exec &&
         set(&Data::inheritable) == plan.inheritable;
}

LaunchFailure set_capabilities(const CapabilityPlan& plan) {
  CapabilityCall call;
  if (raw_call(SYS_capget, address(&call.header), address(call.data)) == 0 &&
      as_planned(plan, call) && plan.ambient == 0) {
    raw_call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
    return kFine;
  }
  const auto low = [](CapabilityMask m) {
    return static_cast<std::uint32_t>(m);
  };
  const auto high = [](CapabilityMask m) {
    return static_cast<std::uint32_t>(m >> 32);
  };
  call.data[0] = {low(plan.until_exec), low(plan.until_exec),
                  low(plan.inheritable)};
  call.data[1] = {high(plan.until_exec), high(plan.until_exec),
                  high(plan.inheritable)};
  // The ambient set can only hold what is inheritable, so it is emptied first.
  raw_call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
  if (long r = raw_call(SYS_capset, address(&call.header), address(call.data));
      r < 0) {
    return failed("set the capabilities", r);
  }
  for (unsigned number = 0; number < 64; ++number) {
    if ((plan.ambient & mask_of(number)) == 0) {
      continue;
    }
    if (long r =
            raw_call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number);
        r < 0) {
      return failed("raise an ambient capability", r);
    }
  }
  return kFine;
}

LaunchFailure explain(CapabilityProblem problem) {
  switch (problem) {
    case CapabilityProblem::None:
      break;
    case CapabilityProblem::Missing:
      return {"a capability of the policy is not held here", 0};
    case CapabilityProblem::BoundingFixed:
      return {"CAP_SETPCAP is needed to cut the bounding set", 0};
    case CapabilityProblem::FilterNeedsAdmin:
      return {"a filter without no_new_privs needs CAP_SYS_ADMIN", 0};
  }
  return kFine;
}

LaunchFailure apply_capabilities(const LaunchSpec& spec) {
  CapabilityCall call;
  if (long r = raw_call(SYS_capget, address(&call.header), address(call.data));
      r < 0) {
    return failed("read the capabilities", r);
  }
  const long uid = spec.change_user != 0 ? static_cast<long>(spec.uid)
                                         : raw_call(SYS_geteuid);
  const long secure = raw_call(SYS_prctl, PR_GET_SECUREBITS);
  const HeldCapabilities held{
      .permitted = joined(call.data[0].permitted, call.data[1].permitted),
      .bounding = bounding_set(),
      .root = uid == 0 && (secure < 0 || (secure & SECBIT_NOROOT) == 0)};
  const CapabilityPlan plan = plan_capabilities(
      spec.capabilities, held, spec.no_new_privs != 0, spec.lenient != 0);
  if (plan.problem != CapabilityProblem::None) {
    return explain(plan.problem);
  }
  if (LaunchFailure f = drop_bounding(plan.drop_bounding); f.step != nullptr) {
    return f;
  }
  if (spec.change_user != 0) {
    if (LaunchFailure f = change_user(spec); f.step != nullptr) {
      return f;
    }
  }
  return set_capabilities(plan);
}

// Asks for the profile from the next execve on. Kernels before 5.8 have one
// file for all security modules.
LaunchFailure order_profile(const LaunchSpec& spec) {
  if (spec.profile[0] == '\0') {
    return kFine;
  }
  constexpr const char* kFiles[] = {"/proc/self/attr/apparmor/exec",
                                    "/proc/self/attr/exec"};
  long fd = -1;
  for (unsigned i = 0; i < 2 && fd < 0; ++i) {
    fd = raw_call(SYS_openat, AT_FDCWD, address(kFiles[i]),
                  O_WRONLY | O_CLOEXEC);
  }
  if (fd < 0) {
    return failed("order the AppArmor profile", fd);
  }
  char order[kMaxWord + 8] = {'e', 'x', 'e', 'c', ' '};
  long used = 5;
  for (const char* at = spec.profile; *at != '\0'; ++at) {
    order[used++] = *at;
  }
  const long r = raw_call(SYS_write, fd, address(order), used);
  raw_call(SYS_close, fd);
  return r < 0 ? failed("order the AppArmor profile", r) : kFine;
}

}  // namespace

LaunchFailure confine(const LaunchSpec& spec) {
  if (LaunchFailure f = order_profile(spec); f.step != nullptr) {
    return f;
  }
  if (LaunchFailure f = apply_capabilities(spec); f.step != nullptr) {
    return f;
  }
  if (spec.no_new_privs != 0) {
    if (long r = raw_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1); r < 0) {
      return failed("set no_new_privs", r);
    }
  }
  if (spec.has_filter != 0) {
    struct sock_fprog program{static_cast<unsigned short>(spec.filter_length),
                              const_cast<struct sock_filter*>(spec.filter)};
    if (long r = raw_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                          spec.filter_flags, address(&program));
        r < 0) {
      return failed("load the seccomp filter", r);
    }
  }
  return kFine;
}

bool add_mark(LaunchSpec& spec) {
  if (spec.filter_length > kMaxInstructions - kMarkLength) {
    return false;
  }
  for (std::uint32_t i = spec.filter_length; i > 0; --i) {
    spec.filter[i - 1 + kMarkLength] = spec.filter[i - 1];
  }
  for (std::uint32_t i = 0; i < kMarkLength; ++i) {
    spec.filter[i] = kMark[i];
  }
  spec.filter_length += kMarkLength;
  return true;
}

bool marked() {
  return raw_call(SYS_prctl, kMarkOption) == -static_cast<long>(kMarkError);
}

LaunchFailure launch(const LaunchSpec& spec, const char* path,
                     char* const argv[], char* const envp[]) {
  if (LaunchFailure f = confine(spec); f.step != nullptr) {
    return f;
  }
  const long r =
      raw_call(SYS_execve, address(path), address(argv), address(envp));
  return failed("execve", r);
}

}  // namespace vambrace::enforcer
