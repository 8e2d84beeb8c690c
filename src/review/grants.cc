#include "review/grants.h"

#include <algorithm>

#include "evidence/span.h"
#include "kernel/capabilities.h"
#include "policy/arguments.h"
#include "policy/file_decisions.h"
#include "policy/mounts.h"
#include "policy/reasons.h"
#include "review/days.h"

namespace vambrace::review {
namespace {

Role role_of(const policy::Reason& reason) {
  using policy::Cause;
  switch (reason.cause) {
    case Cause::Closure:
      return Role::Closure;
    case Cause::Always:
      return Role::Always;
    case Cause::Decision:
      return Role::Decision;
    case Cause::Observed:
    case Cause::Denied:
      break;
  }
  return reason.origin == evidence::Origin::Helper  ? Role::Helper
         : reason.origin == evidence::Origin::Probe ? Role::Probe
                                                    : Role::App;
}

// The rule's reasons, with the counts of those of them that were seen.
std::vector<Need> needs_of(const std::vector<policy::Reason>& reasons,
                           const Use& use) {
  std::set<Need> needs;
  for (const policy::Reason& reason : reasons) {
    Need need{.role = role_of(reason),
              .name = reason.exe.empty() ? reason.note : reason.exe,
              .script = reason.script,
              .phases = reason.phases};
    const auto part =
        reason.origin ? use.by.find({*reason.origin, reason.exe, reason.script})
                      : use.by.end();
    if (part != use.by.end()) {
      need.count = part->second.count;
      need.phases = part->second.phases;
    }
    needs.insert(std::move(need));
  }
  return {needs.begin(), needs.end()};
}

std::string limits_of(const std::set<policy::ArgTuple>& args) {
  std::vector<std::string> tuples;
  for (const policy::ArgTuple& tuple : args) {
    tuples.push_back(policy::describe(tuple));
  }
  return fmt::format("{}", fmt::join(tuples, "; "));
}

std::string limits_of(const policy::FileRule& rule) {
  std::string text = rule.owner ? "only files of its own user" : "";
  for (const policy::Widening& widening : rule.widened) {
    text += (text.empty() ? "" : "; ") + widening.allows;
  }
  return text;
}

// What a dropped pattern takes from a wider rule.
std::string limit_of(const policy::FileRule& rule,
                     const policy::FileDenial& denial) {
  std::string letters;
  for (const char letter : rule.access) {
    letters += denial.access.contains(letter) ? std::string(1, letter) : "";
  }
  const auto own = policy::decided_pattern(rule.pattern);
  const auto other = policy::decided_pattern(denial.pattern);
  return !letters.empty() && own && other && overlap(*own, *other)
             ? fmt::format("not {} of {}, which is dropped", letters,
                           denial.pattern)
             : "";
}

// A call of the runtime's alone has the same form as one of the workload's.
class Grants {
 public:
  Grants(const Inputs& inputs, const Uses& uses, const Risks& risks)
      : inputs_(inputs), uses_(uses), risks_(risks) {}

  std::vector<Grant> run() {
    add_calls();
    add_layer();
    add_capabilities();
    for (const policy::FileRule& rule : inputs_.policy.files) {
      Grant& grant =
          add_rule(rule, fmt::format("file {} {}", rule.pattern, rule.access));
      grant.limits = limits_of(rule);
      for (const policy::FileDenial& denial : inputs_.policy.denied) {
        if (const auto text = limit_of(rule, denial); !text.empty()) {
          grant.limits += (grant.limits.empty() ? "" : "; ") + text;
        }
      }
    }
    for (const policy::SocketRule& rule : inputs_.policy.sockets) {
      add_rule(rule,
               rule.family.empty() ? "network any"
               : rule.type.empty()
                   ? fmt::format("network {}", rule.family)
                   : fmt::format("network {} {}", rule.family, rule.type));
    }
    for (const policy::SignalRule& rule : inputs_.policy.signals) {
      add_rule(rule, "signal " + rule.signal);
    }
    for (const policy::MountRule& rule : inputs_.policy.mounts) {
      add_rule(rule, policy::describe(rule));
    }
    for (const policy::TraceRule& rule : inputs_.policy.traces) {
      add_rule(rule, "ptrace " + policy::describe(rule));
    }
    return finish();
  }

 private:
  static void count(Grant& grant, const Use& use) {
    grant.count += use.count;
    for (const auto& [phase, times] : use.phases) {
      grant.phases[phase] += times;
    }
    grant.recordings =
        std::max<std::uint64_t>(grant.recordings, use.recordings.size());
  }

  template <class Rule>
  Grant& add_rule(const Rule& rule, std::string subject) {
    Grant grant{.layer = Layer::AppArmor,
                .subject = std::move(subject),
                .program = rule.program,
                .risk = risks_.of(rule),
                .reasons = rule.reasons};
    const Use use = uses_.of(rule);
    count(grant, use);
    grant.needs = needs_of(rule.reasons, use);
    grants_.push_back(std::move(grant));
    return grants_.back();
  }

  // One grant for a name, whatever the architectures: profiles and decisions
  // know names alone.
  Grant& call_named(const std::string& name) {
    const auto [it, fresh] = calls_.try_emplace(name, grants_.size());
    if (fresh) {
      grants_.push_back(
          {.layer = Layer::Seccomp, .subject = "syscall " + name});
    }
    return grants_[it->second];
  }

  void add_calls() {
    for (const policy::SyscallRule& rule : inputs_.policy.syscalls) {
      Grant& grant = call_named(kernel::syscall_label(rule.syscall));
      grant.arches.insert(rule.syscall.arch);
      const Use use = uses_.of(rule.syscall);
      count(grant, use);
      policy::merge(grant.reasons, rule.reasons);
      const std::vector<Need> needs = needs_of(rule.reasons, use);
      grant.needs.insert(grant.needs.end(), needs.begin(), needs.end());
      const Risk risk =
          risks_.of_call(kernel::syscall_label(rule.syscall), rule.args);
      if (grant.arches.size() == 1 || risk.level > grant.risk.level) {
        grant.risk = risk;
        grant.limits = limits_of(rule.args);
      }
    }
  }

  void add_layer() {
    const runtime::RuntimeLayer& layer = inputs_.layer;
    for (const auto& [calls, when] :
         {std::pair{&layer.start, "when it starts a container"},
          std::pair{&layer.exec, "when it starts a program in a running one"},
          std::pair{&layer.closure, "in runs that were not measured"}}) {
      for (const runtime::LayerCall& call : *calls) {
        if (!kernel::syscall_number(inputs_.target.arch, call.name)) {
          continue;
        }
        Grant& grant = call_named(call.name);
        if (grant.arches.empty()) {
          grant.arches.insert(inputs_.target.arch);
          const auto args = tuples_of(call, inputs_.target.arch);
          grant.risk = risks_.of_call(call.name, args);
          grant.limits = limits_of(args);
        }
        const bool told = std::ranges::find(grant.needs, Role::Runtime,
                                            &Need::role) != grant.needs.end();
        if (!told) {
          grant.needs.push_back({.role = Role::Runtime, .name = when});
        }
      }
    }
  }

  void add_capabilities() {
    for (const policy::CapabilityRule& rule : inputs_.policy.capabilities) {
      const auto name = kernel::capability_name(rule.number);
      if (!name || !inputs_.capabilities.contains(rule.number)) {
        continue;
      }
      Grant grant{.layer = Layer::Capabilities,
                  .subject = fmt::format("capability {}", name->substr(4)),
                  .limits = "",
                  .risk = risks_.of_capability(rule.number),
                  .reasons = rule.reasons};
      const Use use = uses_.of(rule);
      count(grant, use);
      grant.needs = needs_of(rule.reasons, use);
      grants_.push_back(std::move(grant));
    }
  }

  std::vector<Grant> finish() {
    for (Grant& grant : grants_) {
      std::ranges::sort(grant.needs);
    }
    std::ranges::sort(grants_, [](const Grant& one, const Grant& other) {
      return std::tie(other.risk.level, one.layer, one.subject, one.program) <
             std::tie(one.risk.level, other.layer, other.subject,
                      other.program);
    });
    return std::move(grants_);
  }

  const Inputs& inputs_;
  const Uses& uses_;
  const Risks& risks_;
  std::vector<Grant> grants_;
  std::map<std::string, std::size_t> calls_;
};

}  // namespace

std::vector<Grant> grants_of(const Inputs& inputs, const Uses& uses,
                             const Risks& risks) {
  return Grants(inputs, uses, risks).run();
}

std::set<policy::ArgTuple> tuples_of(const runtime::LayerCall& call,
                                     kernel::Arch arch) {
  std::set<policy::ArgTuple> tuples;
  const auto nr = kernel::syscall_number(arch, call.name);
  if (!nr) {
    return tuples;
  }
  for (const policy::PinnedArgument& argument :
       policy::pinned_arguments({arch, *nr})) {
    for (const std::uint64_t value : call.values) {
      if (argument.index == call.index) {
        tuples.insert({{argument.index, argument.mask, value & argument.mask}});
      }
    }
  }
  return tuples;
}

bool speaks_of(const policy::Subject& what, const Grant& grant) {
  const auto parsed = policy::parse_subject(grant.subject);
  if (!parsed || parsed->index() != what.index()) {
    return false;
  }
  if (const auto* file = std::get_if<policy::FileSubject>(&what)) {
    const auto& own = std::get<policy::FileSubject>(*parsed);
    return file->pattern == own.pattern &&
           file->access.find_first_of(own.access) != std::string::npos;
  }
  if (const auto* socket = std::get_if<policy::SocketSubject>(&what)) {
    const auto& own = std::get<policy::SocketSubject>(*parsed);
    return socket->family == own.family &&
           (socket->type.empty() || socket->type == own.type);
  }
  return *parsed == what;
}

}  // namespace vambrace::review
