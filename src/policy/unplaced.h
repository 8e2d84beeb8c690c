#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "evidence/evidence.h"

// Calls whose place the evidence does not tell.
namespace vambrace::policy {

// Ids of the recordings that watched a kind of fact: evidence::kPathProbe or
// one of the kinds beside it.
std::set<std::string> recordings_with(const evidence::Evidence& evidence,
                                      std::string_view probe);

// How the files become known of which the evidence tells none: one without
// exits
// (--light) has them unwatched, one that began late missed those open already.
// gaps: kinds.
std::string_view files_hint(const std::set<std::string>& gaps);

// How often the call succeeded, in the recordings that are not left out.
std::uint64_t succeeded(const evidence::SyscallFact& fact,
                        const std::set<std::string>& left_out);

}  // namespace vambrace::policy
