#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "policy/policy.h"

// Grants that undo much of what the rest of a policy gives.
namespace vambrace::policy {

struct SyscallRisk {
  std::string_view name;
  // What a compromised workload gains from it, as half a sentence.
  std::string_view exposes;
  // No container workload has a use for it: may kill the process on request.
  bool never_legitimate = false;
};

// nullptr: not among the high-risk calls.
const SyscallRisk* syscall_risk(std::string_view name);

// A call that is ordinary but for some values of one argument.
struct ArgumentRisk {
  std::string_view name;
  std::vector<ArgMatch> values;  // any of them is a risk
};

// Sorted by name. Lives for the whole program.
const std::vector<ArgumentRisk>& argument_risks();

struct CapabilityRisk {
  std::uint32_t number = 0;
  std::string_view exposes;
};

// nullptr: needs no waiver.
const CapabilityRisk* capability_risk(std::uint32_t number);

}  // namespace vambrace::policy
