#pragma once

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy {

// What the workload needs of the container around it, by the evidence and what
// people decided: nothing for accesses that the policy denies, a writable
// folder for files that it allows to be written by a decision alone. Where the
// folder is not told by such a pattern ("/srv/*/x"), Needs::untold has it.
Needs decided_needs(const evidence::Evidence& evidence, const Policy& policy);

}  // namespace vambrace::policy
