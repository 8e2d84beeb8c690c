#pragma once

#include <string>
#include <vector>

#include "policy/decision.h"
#include "review/judge.h"
#include "review/review.h"

namespace vambrace::review {

// A decision with what it speaks of.
struct DecidedSubject {
  policy::Subject subject;
  policy::Decision decision;
};

// What came of each decision, in their order: what DecisionState tells. It
// judges the policy, its target's layers and what the runtime needs.
// `candidates` are calls that could be made: dropping one is no idle word.
std::vector<DecisionState> decision_states(
    const Inputs& inputs, const std::vector<DecidedSubject>& decisions,
    const std::vector<Grant>& grants, const std::vector<Candidate>& candidates);

}  // namespace vambrace::review
