#include "policy/policy.h"

#include <algorithm>

#include "base/json.h"

namespace vambrace::policy {
namespace {

constexpr std::pair<Cause, std::string_view> kCauses[] = {
    {Cause::Observed, "observed"}, {Cause::Closure, "closure"},
    {Cause::Always, "always"},     {Cause::Denied, "denied"},
    {Cause::Decision, "decision"},
};

template <class Rule, class Key, class Projection>
const Rule* find_sorted(const std::vector<Rule>& rules, const Key& key,
                        Projection projection) {
  const auto it = std::ranges::lower_bound(rules, key, {}, projection);
  return it != rules.end() && std::invoke(projection, *it) == key ? &*it
                                                                  : nullptr;
}

}  // namespace

std::string_view to_string(Cause cause) {
  for (const auto& [value, name] : kCauses) {
    if (value == cause) {
      return name;
    }
  }
  return "unknown";
}

std::optional<Cause> cause_from(std::string_view name) {
  for (const auto& [value, text] : kCauses) {
    if (text == name) {
      return value;
    }
  }
  return std::nullopt;
}

const SyscallRule* find_rule(const Policy& policy, kernel::Syscall syscall) {
  return find_sorted(policy.syscalls, syscall, &SyscallRule::syscall);
}

const ExpectedDenial* find_expected(const Policy& policy,
                                    kernel::Syscall syscall) {
  return find_sorted(policy.expected, syscall, &ExpectedDenial::syscall);
}

const CapabilityRule* find_capability(const Policy& policy,
                                      std::uint32_t number) {
  return find_sorted(policy.capabilities, number, &CapabilityRule::number);
}

std::string describe(const Reason& reason) {
  std::string text(to_string(reason.cause));
  if (!reason.exe.empty()) {
    text += ": " + json::quote_bytes(reason.exe);
  }
  if (!reason.script.empty()) {
    text += " running " + json::quote_bytes(reason.script);
  }
  if (reason.origin) {
    text += fmt::format(" ({})", evidence::to_string(*reason.origin));
  }
  std::string phases;
  for (const std::string& phase : reason.phases) {
    phases += (phases.empty() ? " in " : ", ") + json::quote_bytes(phase);
  }
  text += phases;
  if (!reason.note.empty()) {
    text += ": " + json::quote_bytes(reason.note);
  }
  return text;
}

}  // namespace vambrace::policy
