#include "review/risks.h"

#include <algorithm>

#include "policy/risk.h"

namespace vambrace::review {
namespace {

// Namespaces, not threads, are what makes these calls dangerous.
bool is_fenced(const std::set<policy::ArgTuple>& args) {
  return !args.empty() &&
         std::ranges::all_of(args, [](const policy::ArgTuple& tuple) {
           return std::ranges::all_of(tuple, [](const policy::ArgMatch& match) {
             return match.value == 0;
           });
         });
}

}  // namespace

Risk Risks::of_call(std::string_view name,
                    const std::set<policy::ArgTuple>& args) const {
  const policy::SyscallRisk* risk = policy::syscall_risk(name);
  return risk == nullptr || is_fenced(args)
             ? Risk{}
             : Risk{.level = RiskClass::High,
                    .exposes = std::string(risk->exposes)};
}

Risk Risks::of_capability(std::uint32_t number) const {
  const policy::CapabilityRisk* risk = policy::capability_risk(number);
  return risk == nullptr ? Risk{}
                         : Risk{.level = RiskClass::High,
                                .exposes = std::string(risk->exposes)};
}

Risk Risks::of(const policy::FileRule& /*rule*/) const {
  return {};
}
Risk Risks::of(const policy::SocketRule& /*rule*/) const {
  return {};
}
Risk Risks::of(const policy::SignalRule& /*rule*/) const {
  return {};
}
Risk Risks::of(const policy::MountRule& /*rule*/) const {
  return {};
}
Risk Risks::of(const policy::TraceRule& /*rule*/) const {
  return {};
}

std::vector<Advisory> Risks::advisories(
    const policy::Policy& /*policy*/) const {
  return {};
}

std::string Risks::version() const {
  return "";
}

}  // namespace vambrace::review
