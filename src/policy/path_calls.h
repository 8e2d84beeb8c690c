#pragma once

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy {

// Adds a finding for each program that made calls which change files by path
// alone, in recordings that do not say which paths (evidence::kPathProbe), and
// for mounts and traced processes, for which nothing is recorded yet. No rule
// is made up for them.
void add_path_calls(const evidence::Evidence& evidence, Policy& policy);

}  // namespace vambrace::policy
