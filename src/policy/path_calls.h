#pragma once

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy {

// Adds a finding for each program that made calls which change files by path
// alone, in recordings that do not say which paths (evidence::kPathProbe), and
// for mounts and traced processes, of which no recording says which. No rule is
// made up for them, but that who traces may trace the workload's own programs
// (apparmor/render.h).
void add_path_calls(const evidence::Evidence& evidence, Policy& policy);

}  // namespace vambrace::policy
