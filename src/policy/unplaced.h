#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "evidence/evidence.h"

// Calls whose place the evidence does not tell.
namespace vambrace::policy {

// Ids of the recordings that made file facts of calls that only name a path
// (evidence::kPathProbe).
std::set<std::string> recordings_with_paths(const evidence::Evidence& evidence);

// How often the call succeeded, in the recordings that are not left out.
std::uint64_t succeeded(const evidence::SyscallFact& fact,
                        const std::set<std::string>& left_out);

}  // namespace vambrace::policy
