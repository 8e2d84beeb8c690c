#include "policy/findings.h"

#include <algorithm>

#include "evidence/gaps.h"
#include "kernel/capabilities.h"
#include "policy/arguments.h"
#include "policy/risk.h"

namespace vambrace::policy {
namespace {

void judge_evidence(Policy& policy) {
  for (const std::string& gap : policy.gaps) {
    const bool uring = gap == "io_uring";
    policy.findings.push_back(
        {"evidence-incomplete", uring ? "high" : "medium", "evidence",
         uring ? "io_uring was used: what it did was not seen and no filter "
                 "stops it"
               : fmt::format("the evidence has a gap: {}", gap),
         uring ? "drop io_uring_setup in bundle.yaml if the program can do "
                 "without"
               : std::string(evidence::advice(gap))});
  }
}

// Namespaces, not threads, are what makes these calls dangerous.
bool is_fenced(const SyscallRule& rule) {
  return !rule.args.empty() &&
         std::ranges::all_of(rule.args, [](const ArgTuple& tuple) {
           return std::ranges::all_of(
               tuple, [](const ArgMatch& match) { return match.value == 0; });
         });
}

void judge_syscall(Policy& policy, const SyscallRule& rule, bool waived) {
  const std::string place = "seccomp: " + kernel::syscall_label(rule.syscall);
  const auto name = kernel::syscall_name(rule.syscall);
  if (!name) {
    policy.findings.push_back({"syscall-unknown", "high", place,
                               "has no known name, so no profile can grant it",
                               "a newer vambrace may know it"});
    return;
  }
  const Risk* risk = syscall_risk(*name);
  if (risk == nullptr || is_fenced(rule)) {
    return;
  }
  const bool narrowed = !rule.args.empty();
  policy.findings.push_back(
      {"dangerous-syscall",
       waived     ? "info"
       : narrowed ? "medium"
                  : "high",
       place,
       fmt::format("{}{}", risk->exposes,
                   narrowed ? "; narrowed by its arguments" : ""),
       fmt::format("drop it, or waive \"syscall {}\" with a name and a date",
                   *name)});
}

void judge_capability(Policy& policy, const CapabilityRule& rule, bool waived) {
  const Risk* risk = capability_risk(rule.number);
  const auto name = kernel::capability_name(rule.number);
  if (risk == nullptr || !name) {
    return;
  }
  policy.findings.push_back(
      {"dangerous-capability", waived ? "info" : "high",
       fmt::format("capabilities: {}", *name), std::string(risk->exposes),
       waived ? ""
              : fmt::format("not granted in harden without a waiver for "
                            "\"capability {}\"",
                            name->substr(4))});
}

// The kernel compares the sets that a program wants to keep, and asks for none
// of them: what it keeps and never uses no recording tells.
void judge_capset(Policy& policy, const SyscallRule& rule) {
  if (std::ranges::any_of(rule.reasons, [](const Reason& reason) {
        return reason.cause == Cause::Observed;
      })) {
    policy.findings.push_back(
        {"capset-unseen", "low",
         "seccomp: " + kernel::syscall_label(rule.syscall),
         "sets its own capabilities: one that it means to keep and did not use "
         "is not known to be needed, and some programs end without it",
         "try it with vambrace verify; if it misses one, add \"capability "
         "NAME\" as a decision"});
  }
}

}  // namespace

void add_findings(Policy& policy, const std::set<std::string>& waived_calls,
                  const std::set<std::uint32_t>& waived_capabilities) {
  judge_evidence(policy);
  for (const SyscallRule& rule : policy.syscalls) {
    const auto name = kernel::syscall_name(rule.syscall);
    judge_syscall(policy, rule,
                  name && waived_calls.contains(std::string(*name)));
    if (name == "capset") {
      judge_capset(policy, rule);
    }
  }
  for (const CapabilityRule& rule : policy.capabilities) {
    judge_capability(policy, rule, waived_capabilities.contains(rule.number));
  }
  if (policy.arches.contains(kernel::Arch::X32)) {
    policy.findings.push_back({"x32", "high", "seccomp",
                               "the x32 calls were used and are granted",
                               "rebuild the program for x86_64"});
  }
  std::ranges::sort(policy.findings);
  const auto [first, last] = std::ranges::unique(policy.findings);
  policy.findings.erase(first, last);
}

}  // namespace vambrace::policy
