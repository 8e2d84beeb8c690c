#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "elf/reach.h"

namespace vambrace::elf {

constexpr std::string_view kReachSchema = "vambrace.reach/v1";
constexpr std::string_view kReachesSchema = "vambrace.reaches/v1";

// Canonical JSON: equal answers, equal bytes. docs/formats/reach.md.
std::string print_reach(const Reach& reach);

// The same of several programs, in that order.
std::string print_reaches(std::span<const Reach> reaches);

// InvalidInput, with the place, for anything print_reach() would not write:
// another schema version, unknown keys, names of calls that the table does not
// know, unsorted or double calls, an empty chain.
Result<Reach> parse_reach(std::string_view text);

// Of one document of either kind, in its order; refuses what parse_reach()
// does.
Result<std::vector<Reach>> parse_reaches(std::string_view text);

}  // namespace vambrace::elf
