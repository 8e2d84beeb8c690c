#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "policy/decision.h"
#include "review/review.h"

// Days as bundle.yaml writes them: 2026-12-31.
namespace vambrace::review {

// Days since 1970-01-01; nullopt for a text that is no day of the calendar.
// Takes the day from a longer text, too: a time begins with it.
std::optional<std::int64_t> day_number(std::string_view text);

// How each waiver stands on that day, in their order. One whose last day is no
// day has expired: nobody can tell how long it holds.
std::vector<WaiverState> waiver_states(
    const std::vector<policy::Waiver>& waivers, std::int64_t today);

// What is to be said about them: "waiver-expired", of severity high, which
// blocks, and "waiver-expiring", low, from a week on medium.
std::vector<policy::Finding> waiver_findings(
    const std::vector<WaiverState>& states);

}  // namespace vambrace::review
