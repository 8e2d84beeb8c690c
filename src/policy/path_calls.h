#pragma once

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy {

// Adds a finding for each program that made calls of which its recordings do
// not tell what they were about: which paths they changed
// (evidence::kPathProbe), what was mounted where, and into which processes they
// looked. No rule is made up for them, but that who traces may trace the
// workload's own programs (apparmor/traces.h).
void add_path_calls(const evidence::Evidence& evidence, Policy& policy);

}  // namespace vambrace::policy
