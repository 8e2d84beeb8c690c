#pragma once

#include <vector>

#include "policy/decision.h"
#include "review/judge.h"
#include "review/review.h"
#include "review/risks.h"
#include "review/use.h"

namespace vambrace::review {

// What harden lets the workload do, with who needs it: the policy's rules as
// the target gives them, and what the runtime calls itself. Worst risk first,
// then by layer and subject.
std::vector<Grant> grants_of(const Inputs& inputs, const Uses& uses,
                             const Risks& risks);

// The arguments that rendering pins for a call of the runtime's; empty: any.
std::set<policy::ArgTuple> tuples_of(const runtime::LayerCall& call,
                                     kernel::Arch arch);

// Whether a decision or a waiver about `what` speaks of this grant.
bool speaks_of(const policy::Subject& what, const Grant& grant);

}  // namespace vambrace::review
