#include "review/days.h"

#include <charconv>
#include <chrono>

#include "base/json.h"

namespace vambrace::review {
namespace {

// Warned of this many days ahead.
constexpr std::int64_t kWarnings[] = {1, 7, 30};

std::optional<unsigned> digits(std::string_view text) {
  unsigned number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && at == end ? std::optional(number)
                                           : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> day_number(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') {
    return std::nullopt;
  }
  const auto year = digits(text.substr(0, 4));
  const auto month = digits(text.substr(5, 2));
  const auto day = digits(text.substr(8, 2));
  if (!year || !month || !day) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{
      std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
      std::chrono::day(*day)};
  if (!date.ok()) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::vector<WaiverState> waiver_states(
    const std::vector<policy::Waiver>& waivers, std::int64_t today) {
  std::vector<WaiverState> states;
  for (const policy::Waiver& waiver : waivers) {
    const auto last = day_number(waiver.until);
    WaiverState state{.waiver = waiver,
                      .state = "holds",
                      .days_left = last ? *last - today : -1};
    if (state.days_left < 0) {
      state.state = "expired";
    }
    for (const std::int64_t warning : kWarnings) {
      if (state.days_left >= 0 && state.days_left <= warning) {
        state.state = "expiring";
        state.within = warning;
        break;
      }
    }
    states.push_back(std::move(state));
  }
  return states;
}

std::vector<policy::Finding> waiver_findings(
    const std::vector<WaiverState>& states) {
  constexpr std::int64_t kWeek = 7;
  std::vector<policy::Finding> findings;
  for (const WaiverState& state : states) {
    const std::string what = json::quote_bytes(state.waiver.what);
    const std::string place = fmt::format("bundle.yaml: waiver \"{}\"", what);
    const std::string until = json::quote_bytes(state.waiver.until);
    const std::string who = json::quote_bytes(state.waiver.who);
    if (state.state == "expired") {
      findings.push_back(
          {"waiver-expired", "high", place,
           fmt::format("expired on {}; it was given by {}", until, who),
           fmt::format("decide again: vambrace review DIR waive \"{}\" --until "
                       "DAY --why REASON, or drop \"{}\", or forget \"waiver "
                       "{}\"",
                       what, what, what)});
    } else if (state.state == "expiring") {
      findings.push_back(
          {"waiver-expiring", state.within <= kWeek ? "medium" : "low", place,
           fmt::format("ends with {}, in {} days; it was given by {}", until,
                       state.days_left, who),
           "renew it, or do without"});
    }
  }
  return findings;
}

}  // namespace vambrace::review
