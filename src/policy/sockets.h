#pragma once

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy {

// Adds which sockets each program made and which signals it sent. Arguments
// that were not recorded make a rule for any family, with a finding.
void add_sockets(const evidence::Evidence& evidence, Policy& policy);
void add_signals(const evidence::Evidence& evidence, Policy& policy);

}  // namespace vambrace::policy
