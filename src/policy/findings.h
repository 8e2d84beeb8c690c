#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "policy/policy.h"

namespace vambrace::policy {

// Adds what a reader of the policy must know about it: what the evidence lacks,
// grants that undo much of the rest, calls that cannot be written into a
// profile. A waived risk stays as "info". Sorts all findings.
void add_findings(Policy& policy, const std::set<std::string>& waived_calls,
                  const std::set<std::uint32_t>& waived_capabilities);

}  // namespace vambrace::policy
