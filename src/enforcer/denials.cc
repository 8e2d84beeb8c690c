#include "enforcer/denials.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "kernel/capabilities.h"
#include "kernel/errnos.h"
#include "policy/arguments.h"
#include "policy/capabilities/noise.h"
#include "policy/capabilities/reduce.h"

namespace vambrace::enforcer {
namespace {

using Check = std::pair<std::uint32_t, std::optional<kernel::Syscall>>;

// Checks that were refused, and never granted, in the recorded evidence.
std::set<Check> always_refused(const evidence::Evidence& recorded) {
  std::set<Check> refused;
  std::set<Check> granted;
  for (const evidence::Process& process : recorded.processes) {
    if (process.key.origin == evidence::Origin::Harness) {
      continue;
    }
    for (const evidence::CapabilityFact& fact : process.capabilities) {
      const evidence::Share total = evidence::total(fact.by);
      if (total.denied > 0) {
        refused.emplace(fact.number, fact.during);
      }
      if (total.count > 0) {
        granted.emplace(fact.number, fact.during);
      }
    }
  }
  std::set<Check> result;
  std::ranges::set_difference(refused, granted,
                              std::inserter(result, result.end()));
  return result;
}

// Whether a call ended in another way than with that error when recorded, in
// this program or, if it was not seen to make it, in any.
bool worked_once(const evidence::Evidence& recorded, const std::string& exe,
                 kernel::Syscall syscall, const std::string& error) {
  bool own_seen = false;
  bool own_worked = false;
  bool any_worked = false;
  for (const evidence::Process& process : recorded.processes) {
    if (process.key.origin == evidence::Origin::Harness) {
      continue;
    }
    for (const evidence::SyscallFact& fact : process.syscalls) {
      const evidence::Share total = evidence::total(fact.by);
      if (fact.syscall != syscall || total.count == 0) {
        continue;
      }
      const auto failed = total.errnos.find(error);
      const bool worked =
          failed == total.errnos.end() || failed->second < total.count;
      any_worked = any_worked || worked;
      if (process.key.exe == exe) {
        own_seen = true;
        own_worked = own_worked || worked;
      }
    }
  }
  return own_seen ? own_worked : any_worked;
}

std::string why_expected(const evidence::Share& share, const std::string& exe,
                         kernel::Syscall syscall, const policy::Policy& policy,
                         const evidence::Evidence& recorded) {
  for (const policy::ExpectedDenial& expected : policy.expected) {
    if (expected.syscall != syscall) {
      continue;
    }
    const std::string name = kernel::errno_name(expected.error);
    const bool only = std::ranges::all_of(
        share.denied_errnos, [&](const auto& e) { return e.first == name; });
    if (only && (policy::falls_back(syscall, expected.error) ||
                 !worked_once(recorded, exe, syscall, name))) {
      return fmt::format("the policy refuses it with {} on purpose", name);
    }
  }
  return "";
}

std::string why_expected(const evidence::CapabilityFact& fact,
                         evidence::Origin origin,
                         const std::set<std::uint32_t>& granted,
                         const std::set<Check>& refused_before) {
  if (const std::string_view noise = policy::capabilities::noise(fact);
      !noise.empty()) {
    return std::string(noise);
  }
  if (origin == evidence::Origin::Runtime) {
    return "asked by the runtime before the program, which no policy grants "
           "anything";
  }
  if (granted.contains(fact.number)) {
    return "the policy grants it; the program had given it up";
  }
  constexpr std::uint32_t kDacOverride = 1;
  if (fact.during && granted.contains(kDacOverride) &&
      policy::capabilities::asks_again(fact.number,
                                       kernel::syscall_label(*fact.during))) {
    return "the kernel asks for CAP_DAC_OVERRIDE next, which the policy grants";
  }
  if (refused_before.contains({fact.number, fact.during})) {
    return "it was refused when recorded too";
  }
  return "";
}

// "open of /etc/shadow for r", "signal term to unconfined".
std::string access_text(const apparmor::Record& record) {
  std::string text = json::quote_bytes(record.operation);
  if (!record.name.empty()) {
    text += " of " + json::quote_bytes(record.name);
  }
  for (const auto& [key, value] : record.more) {
    text +=
        fmt::format(" {} {}", json::quote_bytes(key), json::quote_bytes(value));
  }
  if (!record.mask.empty() && record.mask != record.operation) {
    text += " for " + json::quote_bytes(record.mask);
  }
  return text;
}

std::string subject(const Denial& denial) {
  if (denial.access) {
    return access_text(*denial.access);
  }
  if (denial.syscall) {
    return fmt::format("{} ({})", kernel::syscall_label(*denial.syscall),
                       kernel::to_string(denial.syscall->arch));
  }
  const std::uint32_t number = denial.capability.value_or(0);
  const auto name = kernel::capability_name(number);
  return name ? std::string(*name) : fmt::format("capability {}", number);
}

}  // namespace

std::vector<Denial> denials(const evidence::Evidence& trial,
                            const policy::Policy& policy,
                            const std::set<std::uint32_t>& granted,
                            const evidence::Evidence& recorded) {
  const std::set<Check> refused_before = always_refused(recorded);
  std::vector<Denial> result;
  for (const evidence::Process& process : trial.processes) {
    if (process.key.origin == evidence::Origin::Harness) {
      continue;
    }
    Denial denial{.exe = process.key.exe, .origin = process.key.origin};
    for (const evidence::SyscallFact& fact : process.syscalls) {
      const evidence::Share share = evidence::total(fact.by);
      if (share.denied == 0) {
        continue;
      }
      Denial& added = result.emplace_back(denial);
      added.syscall = fact.syscall;
      added.count = share.denied;
      added.errnos = share.denied_errnos;
      added.args = fact.denied_args ? fact.denied_args->tuples : added.args;
      added.why =
          why_expected(share, process.key.exe, fact.syscall, policy, recorded);
      added.expected = !added.why.empty();
    }
    for (const evidence::CapabilityFact& fact : process.capabilities) {
      const evidence::Share share = evidence::total(fact.by);
      if (share.denied == 0) {
        continue;
      }
      Denial& added = result.emplace_back(denial);
      added.capability = fact.number;
      added.during = fact.during;
      added.functions = fact.functions;
      added.count = share.denied;
      added.why =
          why_expected(fact, process.key.origin, granted, refused_before);
      added.expected = !added.why.empty();
    }
  }
  return result;
}

std::vector<Denial> denials(const apparmor::Watched& watched) {
  std::vector<Denial> result;
  for (const auto& [record, count] : watched.records) {
    const bool allowed = record.verdict == "ALLOWED";
    if (!allowed && record.verdict != "DENIED" && record.verdict != "KILLED") {
      continue;  // an audit rule's, a hint of the kernel
    }
    Denial& added = result.emplace_back();
    added.exe = record.comm;
    added.access = record;
    added.count = count;
    added.expected = allowed;
    added.why = allowed ? "the profile only complains at this stage" : "";
  }
  return result;
}

std::vector<Denial> without_functions(const std::vector<Denial>& denials) {
  std::vector<Denial> result;
  for (Denial denial : denials) {
    denial.functions.clear();
    const std::uint64_t count = std::exchange(denial.count, 0);
    const auto same = std::ranges::find_if(result, [&](Denial other) {
      other.count = 0;
      return other == denial;
    });
    if (same != result.end()) {
      same->count += count;
    } else {
      denial.count = count;
      result.push_back(std::move(denial));
    }
  }
  return result;
}

std::string describe(const Denial& denial) {
  std::string text = fmt::format("{} refused {} time{}", subject(denial),
                                 denial.count, denial.count == 1 ? "" : "s");
  for (const auto& [name, count] : denial.errnos) {
    text += fmt::format(
        "{} {}", name == denial.errnos.begin()->first ? " with" : ",", name);
  }
  if (denial.during) {
    text += fmt::format(" during {}", kernel::syscall_label(*denial.during));
  }
  text += fmt::format(
      " in {} ({})", json::quote_bytes(denial.exe),
      denial.access ? "AppArmor " + json::quote_bytes(denial.access->profile)
                    : std::string(evidence::to_string(denial.origin)));
  if (!denial.args.empty()) {
    text += "; arguments";
    for (const std::uint64_t value : *denial.args.begin()) {
      text += fmt::format(" {:#x}", value);
    }
    if (denial.args.size() > 1) {
      text += fmt::format(" and {} more", denial.args.size() - 1);
    }
  }
  if (!denial.why.empty()) {
    text += "; " + denial.why;
  }
  return text;
}

}  // namespace vambrace::enforcer
