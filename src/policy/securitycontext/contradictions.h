#pragma once

#include <vector>

#include "policy/securitycontext/context.h"

namespace vambrace::policy::securitycontext {

// What one layer takes away that another one gives, so that the workload
// cannot run as it was recorded, or a grant is without effect.
std::vector<Finding> contradictions(const Policy& policy,
                                    const SecurityContext& context,
                                    const runtime::Target& target);

}  // namespace vambrace::policy::securitycontext
