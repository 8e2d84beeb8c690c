#pragma once

#include <string_view>

#include "evidence/evidence.h"

// Capability checks whose answer the workload never depends on.
namespace vambrace::policy::capabilities {

// Why this check is no reason to grant; empty: it is a real one.
std::string_view noise(const evidence::CapabilityFact& fact);

}  // namespace vambrace::policy::capabilities
