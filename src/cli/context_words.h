#pragma once

#include <string>

#include "base/json.h"
#include "policy/policy.h"
#include "policy/securitycontext/context.h"

// How commands speak of a securityContext.
namespace vambrace::cli {

// "user 999:998, read-only root, 2 folders in memory, 1 volume".
std::string context_line(
    const policy::securitycontext::SecurityContext& context);

// The same, the folders one by one, with the reasons that the policy has.
std::string context_text(
    const policy::securitycontext::SecurityContext& context,
    const policy::Needs& needs);

json::Value context_json(
    const policy::securitycontext::SecurityContext& context);

}  // namespace vambrace::cli
