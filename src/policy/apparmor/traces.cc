#include "policy/apparmor/traces.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/syscalls.h"
#include "policy/apparmor/letters.h"
#include "policy/reasons.h"

namespace vambrace::policy::apparmor {
namespace {

// Those that AppArmor asks about as ptrace (security/apparmor/lsm.c).
bool is_trace_call(std::string_view name) {
  return name == "ptrace" || name == "process_vm_readv" ||
         name == "process_vm_writev";
}

// The part of a path below /proc that tells of one process: "stat", "fdinfo/3".
// Empty if it is of none.
std::string_view of_process(std::string_view pattern) {
  constexpr std::string_view kProc = "/proc/";
  if (!pattern.starts_with(kProc)) {
    return "";
  }
  pattern.remove_prefix(kProc.size());
  const std::string_view process = pattern.substr(0, pattern.find('/'));
  if (process != "@{pid}" && !all_in(process, digits())) {
    return "";
  }
  pattern.remove_prefix(std::min(process.size() + 1, pattern.size()));
  constexpr std::string_view kTask = "task/";
  if (pattern.starts_with(kTask)) {
    pattern.remove_prefix(
        std::min(pattern.find('/', kTask.size()), pattern.size() - 1) + 1);
  }
  return pattern;
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names,
               std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Files of a process that the kernel shows to who may trace it for reading, and
// those that it shows to who may attach (fs/proc/base.c, array.c, fd.c). Of its
// own, each process may.
bool tells_readers(std::string_view pattern) {
  constexpr std::array<std::string_view, 10> kNames = {
      "auxv",    "environ", "io",           "maps", "numa_maps",
      "pagemap", "smaps",   "smaps_rollup", "stat", "wchan"};
  const std::string_view part = of_process(pattern);
  return is_one_of(kNames, part) || part.starts_with("fdinfo/");
}

bool tells_tracers(std::string_view pattern) {
  constexpr std::array<std::string_view, 4> kNames = {"mem", "personality",
                                                      "stack", "syscall"};
  return is_one_of(kNames, of_process(pattern));
}

// PTRACE_TRACEME (0), or not known which request.
bool may_ask_parent(const SyscallRule& rule) {
  return rule.args.empty() ||
         std::ranges::any_of(rule.args, [](const ArgTuple& tuple) {
           return std::ranges::none_of(tuple, [](const ArgMatch& match) {
             return match.index == 0 && match.value != 0;
           });
         });
}

class Tracing {
 public:
  Tracing(const Policy& policy, const Children& children, Profile& profile)
      : policy_(policy), children_(children), profile_(profile) {}

  // Both sides are asked. Who may trace may read as well.
  void add() {
    if (!policy_.traces_known) {
      add_unknown();
    }
    for (const policy::TraceRule& rule : policy_.traces) {
      const Why why{.reasons = rule.reasons, .examples = {}};
      const bool traces = rule.access == "trace";
      const auto words = [&](const char* trace, const char* read) {
        return traces ? std::set<std::string>{trace, read}
                      : std::set<std::string>{read};
      };
      const bool inside = rule.other == evidence::Side::Program;
      children_.rules_of(profile_, rule.program)
          .ptrace.push_back(
              {.access = words("trace", "read"),
               .peer = inside ? children_.label_of(profile_, rule.peer)
                       : rule.other == evidence::Side::Outside
                           ? "unconfined"
                           : children_.label(profile_),
               .why = why});
      const PtraceRule back{.access = words("tracedby", "readby"),
                            .peer = children_.label_of(profile_, rule.program),
                            .why = why};
      if (inside) {
        children_.rules_of(profile_, rule.peer).ptrace.push_back(back);
      } else if (rule.other == evidence::Side::Unknown) {
        for (Rules* rules : Children::everybody(profile_)) {
          rules->ptrace.push_back(back);
        }
      }
    }
    add_readers();
  }

 private:
  // By the calls alone: who looked into other processes is known, into which is
  // not. It is the workload's own; in PTRACE_TRACEME the tracer is whoever is
  // the parent.
  void add_unknown() {
    std::map<Rules*, std::vector<Reason>> tracers;
    std::vector<Reason> all;
    bool by_parents = false;
    for (const SyscallRule& rule : policy_.syscalls) {
      const auto name = kernel::syscall_name(rule.syscall);
      if (!name || !is_trace_call(*name)) {
        continue;
      }
      by_parents |= *name == "ptrace" && may_ask_parent(rule);
      merge(all, rule.reasons);
      for (const Reason& reason : rule.reasons) {
        merge(tracers[&children_.rules_of(profile_, reason.exe)], {reason});
      }
    }
    if (tracers.empty()) {
      return;
    }
    for (Rules* rules : Children::everybody(profile_)) {
      rules->ptrace.push_back({.access = {"readby", "tracedby"},
                               .peer = children_.label(profile_),
                               .why = {.reasons = all, .examples = {}}});
      const auto own = tracers.find(rules);
      if (by_parents || own != tracers.end()) {
        rules->ptrace.push_back(
            {.access = {"read", "trace"},
             .peer = children_.label(profile_),
             .why = {.reasons = own == tracers.end() ? all : own->second,
                     .examples = {}}});
      }
    }
  }

  // Whose files of /proc they were is not in the evidence either: the
  // workload's own, where AppArmor asks both sides about tracing as well.
  void add_readers() {
    add_readers(tells_readers, "read", "readby");
    add_readers(tells_tracers, "trace", "tracedby");
  }

  void add_readers(bool (*tells)(std::string_view), const std::string& access,
                   const std::string& back) {
    std::map<Rules*, std::vector<Reason>> readers;
    std::vector<Reason> all;
    for (const policy::FileRule& rule : policy_.files) {
      if (rule.access.contains('r') && tells(rule.pattern)) {
        merge(readers[&children_.rules_of(profile_, rule.program)],
              rule.reasons);
        merge(all, rule.reasons);
      }
    }
    if (readers.empty()) {
      return;
    }
    for (Rules* rules : Children::everybody(profile_)) {
      may_be_asked(*rules, back, all);
      if (const auto own = readers.find(rules); own != readers.end()) {
        may_be_asked(*rules, access, own->second);
      }
    }
  }

  void may_be_asked(Rules& rules, const std::string& access,
                    const std::vector<Reason>& reasons) const {
    const bool there =
        std::ranges::any_of(rules.ptrace, [&](const PtraceRule& rule) {
          return rule.peer == children_.label(profile_) &&
                 rule.access.contains(access);
        });
    if (!there) {
      rules.ptrace.push_back({.access = {access},
                              .peer = children_.label(profile_),
                              .why = {.reasons = reasons, .examples = {}}});
    }
  }

  const Policy& policy_;
  const Children& children_;
  Profile& profile_;
};

}  // namespace

void add_traces(const Policy& policy, const Children& children,
                Profile& profile) {
  Tracing(policy, children, profile).add();
}

}  // namespace vambrace::policy::apparmor
