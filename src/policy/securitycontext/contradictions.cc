#include "policy/securitycontext/contradictions.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "base/json.h"
#include "kernel/capabilities.h"

namespace vambrace::policy::securitycontext {
namespace {

// The calls that a capability is of no use without: capabilities(7).
struct Users {
  std::string_view capability;
  std::vector<std::string_view> calls;
};

const std::vector<Users>& table() {
  static const std::vector<Users> kTable = {
      {"CAP_BPF", {"bpf"}},
      {"CAP_CHOWN", {"chown", "fchown", "lchown", "fchownat"}},
      {"CAP_KILL",
       {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
        "pidfd_send_signal"}},
      {"CAP_IPC_LOCK",
       {"mlock", "mlock2", "mlockall", "mmap", "shmctl", "shmget",
        "memfd_create"}},
      {"CAP_MKNOD", {"mknod", "mknodat"}},
      {"CAP_NET_BIND_SERVICE", {"bind"}},
      {"CAP_NET_RAW", {"socket", "setsockopt", "bind"}},
      {"CAP_SETFCAP", {"setxattr", "lsetxattr", "fsetxattr"}},
      {"CAP_SETGID",
       {"setgid", "setregid", "setresgid", "setfsgid", "setgroups"}},
      {"CAP_SETUID", {"setuid", "setreuid", "setresuid", "setfsuid"}},
      {"CAP_SYS_BOOT", {"reboot", "kexec_load", "kexec_file_load"}},
      {"CAP_SYS_CHROOT", {"chroot", "setns"}},
      {"CAP_SYS_MODULE", {"init_module", "finit_module", "delete_module"}},
      {"CAP_SYS_PACCT", {"acct"}},
  };
  return kTable;
}

class Search {
 public:
  Search(const Policy& policy, const SecurityContext& context,
         const runtime::Target& target)
      : policy_(policy), context_(context), target_(target) {}

  std::vector<Finding> run() {
    rights_of_files();
    capabilities_of_others();
    capabilities_without_calls();
    escalation_on_kubernetes();
    return std::move(out_);
  }

 private:
  void remark(std::string id, std::string severity, std::string place,
              std::string message, std::string hint) {
    out_.push_back({std::move(id), std::move(severity),
                    "securityContext: " + std::move(place), std::move(message),
                    std::move(hint)});
  }

  static std::string name_of(std::uint32_t number) {
    return std::string(kernel::capability_name(number).value_or("CAP_?"));
  }

  void rights_of_files() {
    if (!context_.no_new_privs) {
      return;
    }
    for (const RaisedNeed& need : policy_.needs.raised) {
      remark("raised-without-privileges", "high", "allowPrivilegeEscalation",
             fmt::format("{} was run and gains rights by its file, which "
                         "no_new_privs takes from it",
                         json::quote_bytes(need.exe)),
             "do without the program, or write no_new_privs: false under "
             "target in bundle.yaml");
    }
  }

  // Engines put granted capabilities into the bounding set. A process of
  // another user than root loses them at its execve, unless they are ambient,
  // which only our own launcher and systemd make them.
  void capabilities_of_others() {
    if (!context_.user || context_.user->uid == 0 ||
        target_.runtime == runtime::Runtime::Process) {
      return;
    }
    for (const std::uint32_t number : context_.capabilities) {
      remark("capability-of-another-user", "high", "capabilities",
             fmt::format("{} is granted, and a program that is started as "
                         "user {} does not hold it",
                         name_of(number), context_.user->uid),
             "start it as root, or drop the capability in bundle.yaml");
    }
  }

  bool allows(std::string_view call) const {
    return std::ranges::any_of(policy_.syscalls, [&](const SyscallRule& rule) {
      return kernel::syscall_name(rule.syscall) == call;
    });
  }

  void capabilities_without_calls() {
    for (const std::uint32_t number : context_.capabilities) {
      const std::string name = name_of(number);
      const auto users = std::ranges::find(table(), name, &Users::capability);
      if (users == table().end() ||
          std::ranges::any_of(users->calls, [&](std::string_view call) {
            return allows(call);
          })) {
        continue;
      }
      remark("capability-without-call", "medium", "capabilities",
             fmt::format("{} is granted, and every call that it serves is "
                         "refused by seccomp ({})",
                         name, fmt::join(users->calls, ", ")),
             "drop the capability, or add the call, in bundle.yaml");
    }
  }

  void escalation_on_kubernetes() {
    const bool kubernetes = target_.engine == runtime::Engine::Kubernetes ||
                            target_.engine == runtime::Engine::Containerd;
    const auto admin = kernel::capability_number("CAP_SYS_ADMIN");
    if (kubernetes && context_.no_new_privs &&
        context_.capabilities.contains(*admin)) {
      remark("escalation-refused", "high", "allowPrivilegeEscalation",
             "Kubernetes refuses a pod that adds CAP_SYS_ADMIN and forbids "
             "privilege escalation",
             "drop the capability, or write no_new_privs: false under target "
             "in bundle.yaml");
    }
  }

  const Policy& policy_;
  const SecurityContext& context_;
  const runtime::Target& target_;
  std::vector<Finding> out_;
};

}  // namespace

std::vector<Finding> contradictions(const Policy& policy,
                                    const SecurityContext& context,
                                    const runtime::Target& target) {
  return Search(policy, context, target).run();
}

}  // namespace vambrace::policy::securitycontext
