#include "policy/advisories.h"

#include <algorithm>
#include <utility>

#include "kernel/capabilities.h"
#include "kernel/syscalls.h"

namespace vambrace::policy {
namespace {

// Does a grant of the call let the value through? Any value does for "".
bool grants_value(const RiskTable& table, const AdvisoryStep& step,
                  const std::set<ArgTuple>& args) {
  return step.argument.empty() ||
         std::ranges::any_of(values_within(table, step.call, args),
                             [&](const ArgumentRisk* one) {
                               return one->name == step.argument;
                             });
}

bool is_granted(const RiskTable& table, const AdvisoryStep& step,
                const Grants& grants) {
  if (step.capability) {
    return !grants.capabilities ||
           grants.capabilities->contains(*step.capability);
  }
  if (const auto own = grants.calls.find(step.call);
      own != grants.calls.end() && grants_value(table, step, own->second)) {
    return true;
  }
  const auto others = std::ranges::lower_bound(table.equivalents, step.call, {},
                                               &Equivalent::call);
  return others != table.equivalents.end() && others->call == step.call &&
         std::ranges::any_of(others->by, [&](const std::string& name) {
           return grants.calls.contains(name);
         });
}

std::string in_words(const AdvisoryStep& step) {
  if (step.capability) {
    return std::string(
        kernel::capability_name(*step.capability).value_or("CAP_?"));
  }
  return step.argument.empty()
             ? step.call
             : fmt::format("{}({})", step.call, step.argument);
}

std::vector<AdvisoryStanding> standings(const RiskTable& table,
                                        const Grants& grants,
                                        std::initializer_list<Exposure> which) {
  std::vector<AdvisoryStanding> out;
  for (const Advisory& advisory : table.advisories) {
    AdvisoryStanding one = standing(table, advisory, grants);
    if (std::ranges::find(which, one.exposure) != which.end()) {
      out.push_back(std::move(one));
    }
  }
  return out;
}

void sort_words(std::vector<std::string>& words) {
  std::ranges::sort(words);
  const auto [first, last] = std::ranges::unique(words);
  words.erase(first, last);
}

}  // namespace

Grants grants_of(const Policy& policy) {
  Grants out{.capabilities = std::set<std::uint32_t>()};
  for (const SyscallRule& rule : policy.syscalls) {
    const auto name = kernel::syscall_name(rule.syscall);
    if (!name) {
      continue;
    }
    const auto [at, is_new] = out.calls.emplace(*name, rule.args);
    if (is_new) {
      continue;
    }
    // Another architecture's rule: what either lets through.
    if (rule.args.empty()) {
      at->second.clear();
    } else if (!at->second.empty()) {
      at->second.insert(rule.args.begin(), rule.args.end());
    }
  }
  for (const CapabilityRule& rule : policy.capabilities) {
    out.capabilities->insert(rule.number);
  }
  return out;
}

Grants grants_of_names(const std::set<std::string>& names) {
  Grants out;
  for (const std::string& name : names) {
    out.calls.emplace(name, std::set<ArgTuple>());
  }
  return out;
}

std::string_view to_string(Exposure exposure) {
  switch (exposure) {
    case Exposure::Open:
      return "open";
    case Exposure::Narrowed:
      return "narrowed";
    case Exposure::Closed:
      return "closed";
    case Exposure::Unmapped:
      return "unmapped";
  }
  return "unmapped";
}

AdvisoryStanding standing(const RiskTable& table, const Advisory& advisory,
                          const Grants& grants) {
  AdvisoryStanding out{.advisory = &advisory};
  bool closed = false;
  for (const std::vector<AdvisoryStep>& need : advisory.needs) {
    bool met = false;
    for (const AdvisoryStep& step : need) {
      const bool granted = is_granted(table, step, grants);
      met = met || granted;
      (granted ? out.granted : out.refused).push_back(in_words(step));
    }
    closed = closed || !met;
  }
  sort_words(out.granted);
  sort_words(out.refused);
  if (!advisory.needs.empty()) {
    out.exposure = closed                ? Exposure::Closed
                   : out.refused.empty() ? Exposure::Open
                                         : Exposure::Narrowed;
  }
  return out;
}

std::size_t needs_met_by(const RiskTable& table, std::string_view syscall,
                         const Grants& grants) {
  const Grants alone{.calls = {{std::string(syscall), {}}},
                     .capabilities = std::set<std::uint32_t>()};
  const auto met = [&](const std::vector<AdvisoryStep>& need,
                       const Grants& by) {
    return std::ranges::any_of(need, [&](const AdvisoryStep& step) {
      return is_granted(table, step, by);
    });
  };
  std::size_t count = 0;
  for (const Advisory& advisory : table.advisories) {
    for (const std::vector<AdvisoryStep>& need : advisory.needs) {
      count += met(need, alone) && !met(need, grants) ? 1 : 0;
    }
  }
  return count;
}

std::vector<AdvisoryStanding> advisories_within(const RiskTable& table,
                                                const Grants& grants) {
  return standings(table, grants, {Exposure::Open, Exposure::Narrowed});
}

std::vector<AdvisoryStanding> advisories_beyond(const RiskTable& table,
                                                const Grants& grants) {
  return standings(table, grants, {Exposure::Closed});
}

AdvisoryCounts count_advisories(const RiskTable& table, const Grants& grants) {
  AdvisoryCounts out;
  for (const Advisory& advisory : table.advisories) {
    switch (standing(table, advisory, grants).exposure) {
      case Exposure::Open:
        ++out.open;
        break;
      case Exposure::Narrowed:
        ++out.narrowed;
        break;
      case Exposure::Closed:
        ++out.closed;
        break;
      case Exposure::Unmapped:
        ++out.unmapped;
        break;
    }
  }
  return out;
}

std::vector<const Advisory*> advisories_by(const RiskTable& table,
                                           std::string_view syscall) {
  std::vector<const Advisory*> out;
  for (const Advisory& advisory : table.advisories) {
    const bool takes_part =
        std::ranges::any_of(advisory.needs, [&](const auto& need) {
          return std::ranges::find(need, syscall, &AdvisoryStep::call) !=
                 need.end();
        });
    if (takes_part) {
      out.push_back(&advisory);
    }
  }
  return out;
}

}  // namespace vambrace::policy
