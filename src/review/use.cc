#include "review/use.h"

#include "policy/apparmor/pattern.h"
#include "policy/apparmor/variables.h"
#include "policy/capabilities/noise.h"
#include "policy/files.h"
#include "policy/mounts.h"
#include "policy/programs.h"
#include "policy/reasons.h"
#include "policy/sockets.h"

namespace vambrace::review {
namespace {

constexpr std::uint32_t kNetBindService = 10;
constexpr std::uint32_t kFirstFreePort = 1024;

template <class Key>
Use found(const std::map<Key, Use>& uses, const Key& key) {
  const auto it = uses.find(key);
  return it == uses.end() ? Use{} : it->second;
}

bool shares_a_letter(std::string_view one, std::string_view other) {
  return one.find_first_of(other) != std::string_view::npos;
}

// Everything before the first character that may stand for another.
std::string_view fixed_part(std::string_view pattern) {
  return pattern.substr(0, pattern.find_first_of("*?[{@\\"));
}

}  // namespace

void Use::add(const evidence::ProcessKey& key, const evidence::By& facts) {
  for (const auto& [recording, share] : facts) {
    if (share.count == 0) {
      continue;
    }
    count += share.count;
    recordings.insert(recording);
    Part& part = by[{key.origin, key.exe, key.script}];
    part.count += share.count;
    for (const auto& [phase, times] : share.phases) {
      phases[phase] += times;
      part.phases.insert(phase);
    }
  }
}

Uses::Uses(const evidence::Evidence& evidence) {
  const policy::Programs programs(evidence);
  for (const evidence::Process& process : evidence.processes) {
    if (policy::counts(process.key.origin)) {
      const std::string program = programs.of(process.key.exe);
      add(process, program);
      add_others(process, program);
      for (const evidence::TraceFact& fact : process.traces) {
        // As add_traces() of policy/mounts.h names them.
        traces_[{.program = program,
                 .access = fact.access,
                 .other = fact.other,
                 .peer = programs.known(fact.exe) ? programs.of(fact.exe) : "",
                 .reasons = {}}]
            .add(process.key, fact.by);
      }
    }
  }
}

void Uses::add(const evidence::Process& process, const std::string& program) {
  for (const evidence::SyscallFact& fact : process.syscalls) {
    if (evidence::total(fact.by).count == 0) {
      continue;
    }
    calls_[fact.syscall].add(process.key, fact.by);
    for (const policy::SocketKind& kind : policy::sockets_of(fact)) {
      sockets_[{program, kind.family, kind.type}].add(process.key, fact.by);
    }
  }
  for (const evidence::NetworkFact& fact : process.network) {
    for (const policy::SocketKind& kind : policy::sockets_of(fact)) {
      sockets_[{program, kind.family, kind.type}].add(process.key, fact.by);
    }
  }
  for (const evidence::FileFact& fact : process.files) {
    if (const auto path = policy::mediated_path(fact)) {
      files_[program][*path].push_back({fact.access, &process, &fact.by});
    }
  }
}

void Uses::add_others(const evidence::Process& process,
                      const std::string& program) {
  for (const evidence::CapabilityFact& fact : process.capabilities) {
    if (policy::capabilities::noise(fact).empty()) {
      capabilities_[fact.number].add(process.key, fact.by);
    }
  }
  for (const evidence::NetworkFact& fact : process.network) {
    // A low port is a need even where the host did not ask for the right.
    if (fact.operation == "bind" && fact.port > 0 &&
        fact.port < kFirstFreePort && fact.family.starts_with("inet")) {
      low_ports_.add(process.key, fact.by);
    }
  }
  for (const evidence::SignalFact& fact : process.signals) {
    if (fact.other == evidence::Side::Outside) {
      continue;  // no rule is about it
    }
    signals_[{program, policy::signal_of(fact)}].add(process.key, fact.by);
  }
  for (const evidence::MountFact& fact : process.mounts) {
    if (auto rule = policy::mount_rule(fact)) {
      rule->program = program;
      mounts_[std::move(*rule)].add(process.key, fact.by);
    }
  }
}

Use Uses::of(kernel::Syscall syscall) const {
  return found(calls_, syscall);
}

Use Uses::of(const policy::CapabilityRule& rule) const {
  const Use checks = found(capabilities_, rule.number);
  return rule.number == kNetBindService && checks.count == 0 ? low_ports_
                                                             : checks;
}

Use Uses::of(const policy::SocketRule& rule) const {
  return found(sockets_, {rule.program, rule.family, rule.type});
}

Use Uses::of(const policy::SignalRule& rule) const {
  return found(signals_, {rule.program, rule.signal});
}

Use Uses::of(const policy::MountRule& rule) const {
  policy::MountRule key = rule;
  key.reasons.clear();
  return found(mounts_, key);
}

Use Uses::of(const policy::TraceRule& rule) const {
  policy::TraceRule key = rule;
  key.reasons.clear();
  return found(traces_, key);
}

Use Uses::of(const policy::FileRule& rule) const {
  Use use;
  const auto paths = files_.find(rule.program);
  if (paths == files_.end()) {
    return use;
  }
  policy::apparmor::Variables variables;
  for (const std::string& name : policy::apparmor::variables_in(rule.pattern)) {
    variables[name] = {policy::apparmor::variable_value(name)};
  }
  const auto pattern =
      policy::apparmor::Pattern::parse(rule.pattern, variables);
  if (!pattern) {
    return use;  // a decision's, which rendering refuses
  }
  const std::string_view fixed = fixed_part(rule.pattern);
  for (auto it = paths->second.lower_bound(fixed);
       it != paths->second.end() && it->first.starts_with(fixed); ++it) {
    if (!pattern->matches(it->first)) {
      continue;
    }
    for (const Access& access : it->second) {
      if (shares_a_letter(access.access, rule.access)) {
        use.add(access.process->key, *access.by);
      }
    }
  }
  return use;
}

}  // namespace vambrace::review
