#pragma once

#include <vector>

#include "base/result.h"
#include "evidence/evidence.h"
#include "policy/closure.h"
#include "policy/decision.h"
#include "policy/policy.h"

namespace vambrace::policy {

struct SynthesisOptions {
  // Refused attempts become rules as well (--heal).
  bool heal = false;
  Closures closures;
  std::vector<Decision> decisions;
  // Waivers that hold today; an expired one is the caller's to leave out.
  std::vector<Waiver> waivers;
};

// From evidence to a policy in which every rule has its reasons.
//
// Only what app, helpers and probes did becomes a rule. Pure and deterministic:
// the same behavior, recorded again, gives an equal policy, whatever its
// counts, times and recording ids. Incomplete evidence is not refused; the
// policy says so in its state, gaps and findings.
//
// InvalidInput if a decision or a waiver names no known rule.
Result<Policy> synthesize(const evidence::Evidence& evidence,
                          const SynthesisOptions& options = {});

}  // namespace vambrace::policy
