#include "policy/capabilities/noise.h"

#include <algorithm>

#include "policy/policy.h"

namespace vambrace::policy::capabilities {
namespace {

struct Row {
  std::string_view function;
  std::string_view why;
};

// Kernel functions whose capability check chooses a variant, not a permission.
// Any of them anywhere in the stack is enough: which of them a compiler inlines
// differs between kernels.
constexpr Row kFunctions[] = {
    // security/commoncap.c and mm/util.c: may the last 3 % of memory be used?
    {"cap_vm_enough_memory", "memory overcommit check"},
    {"__vm_enough_memory", "memory overcommit check"},
    {"security_vm_enough_memory_mm", "memory overcommit check"},
    // kernel/capability.c: checks that say themselves that nobody was refused.
    {"has_ns_capability_noaudit", "unaudited probe"},
    {"has_capability_noaudit", "unaudited probe"},
    {"ns_capable_noaudit", "unaudited probe"},
    // fs/proc/array.c and base.c: which fields of /proc/PID are filled in.
    {"do_task_stat", "fields of /proc/PID/stat"},
    {"proc_pid_wchan", "fields of /proc/PID"},
    // mm/oom_kill.c: scores other tasks.
    {"oom_badness", "memory pressure scoring"},
    // io_uring/io_uring.c: whose memory account is charged.
    {"io_uring_create", "memory accounting"},
    // fs/ext4/balloc.c: may reserved blocks be used?
    {"ext4_has_free_clusters", "reserved disk blocks"},
    // fs/quota/dquot.c: may quotas be passed?
    {"dquot_add_space", "quota limits"},
    {"dquot_add_inodes", "quota limits"},
    // kernel/printk/printk.c and lib/vsprintf.c: are addresses shown?
    {"restricted_pointer", "kernel addresses in text"},
    {"kallsyms_show_value", "kernel addresses in text"},
};

}  // namespace

std::string_view noise(const evidence::CapabilityFact& fact) {
  if (fact.overridden) {
    return "asked with the kernel's own credentials";
  }
  for (const Row& row : kFunctions) {
    if (std::ranges::find(fact.functions, row.function) !=
        fact.functions.end()) {
      return row.why;
    }
  }
  if (fact.audited == evidence::Audited::No) {
    return "unaudited probe";
  }
  // Who makes a user namespace holds every capability in it.
  if (fact.user_namespace == "nested") {
    return kInOwnNamespace;
  }
  if (fact.user_namespace == "other") {
    return "asked about another user namespace";
  }
  return "";
}

}  // namespace vambrace::policy::capabilities
