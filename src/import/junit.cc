#include "import/junit.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/json.h"
#include "import/xml.h"

namespace vambrace::imports {
namespace {

using evidence::Instant;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr XmlLimits kLimits{.bytes = std::size_t{64} << 20, .depth = 64};
constexpr std::size_t kMaxName = 512;
// Clocks of one machine, read by two programs.
constexpr seconds kAllowance{1};

std::string_view text_of(const Attributes& attributes, std::string_view name) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? std::string_view() : found->second;
}

// "0.532", "1,204.5" as some locales write thousands; nullopt for anything that
// is not the length of a test.
std::optional<microseconds> duration_of(std::string_view text) {
  std::string digits(text);
  std::erase(digits, ',');
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, value);
  constexpr double kYear = 366.0 * 24 * 3600;
  if (error != std::errc{} || rest != end || digits.empty() ||
      !std::isfinite(value) || value < 0 || value > kYear) {
    return std::nullopt;
  }
  return microseconds(std::llround(value * 1e6));
}

std::string name_of(std::string_view suite, const Attributes& attributes) {
  std::string name(text_of(attributes, "classname"));
  if (name.empty()) {
    name = suite;
  }
  const std::string_view own = text_of(attributes, "name");
  name += name.empty() || own.empty() ? "" : ".";
  return json::quote_bytes(name.append(own).substr(0, kMaxName));
}

class Reader {
 public:
  Result<> starts(std::string_view name, const Attributes& attributes,
                  std::size_t depth) {
    if (depth == 1 && name != "testsuites" && name != "testsuite") {
      return std::unexpected(
          Error(ErrorCode::InvalidInput,
                fmt::format("<{}> is not the root of a JUnit report",
                            json::quote_bytes(name.substr(0, 100)))));
    }
    if (name == "testsuite") {
      open_.push_back(suites_.size());
      TestSuite suite{
          .name = std::string(text_of(attributes, "name").substr(0, kMaxName)),
          .timestamp = std::string(text_of(attributes, "timestamp"))};
      if (attributes.contains("time")) {
        TRY_ASSIGN(suite.time, duration(attributes));
      }
      suites_.push_back(std::move(suite));
    } else if (name == "testcase") {
      if (open_.empty()) {
        return fail(ErrorCode::InvalidInput, "a test case outside any suite");
      }
      TestSuite& suite = suites_[open_.back()];
      TestCase one{.name = name_of(suite.name, attributes),
                   .timestamp = std::string(text_of(attributes, "timestamp"))};
      if (attributes.contains("time")) {
        TRY_ASSIGN(one.time, duration(attributes));
      }
      suite.cases.push_back(std::move(one));
    }
    return {};
  }

  void ends(std::string_view name) {
    if (name == "testsuite") {
      open_.pop_back();
    }
  }

  std::vector<TestSuite> take() { return std::move(suites_); }

 private:
  static Result<microseconds> duration(const Attributes& attributes) {
    const std::string_view text = text_of(attributes, "time");
    if (const auto value = duration_of(text)) {
      return *value;
    }
    return fail(ErrorCode::InvalidInput, "time=\"{}\" is no duration",
                json::quote_bytes(text.substr(0, 100)));
  }

  std::vector<TestSuite> suites_;
  std::vector<std::size_t> open_;
};

// A moment as it was written, with what the writing leaves open.
struct Moment {
  Instant instant;
  microseconds resolution{};  // it may be later by less than this
  bool has_offset = false;
};

bool digits(std::string_view text, std::size_t at, std::size_t count,
            int& value) {
  if (at + count > text.size()) {
    return false;
  }
  const char* from = text.data() + at;
  const auto [rest, error] = std::from_chars(from, from + count, value);
  return error == std::errc{} && rest == from + count && *from != '-';
}

// "2026-01-31T09:30:00.25", with "Z", "+01:00" or nothing at the end.
std::optional<Moment> moment_of(std::string_view text) {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!digits(text, 0, 4, year) || !digits(text, 5, 2, month) ||
      !digits(text, 8, 2, day) || !digits(text, 11, 2, hour) ||
      !digits(text, 14, 2, minute) || !digits(text, 17, 2, second) ||
      text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != ' ') || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{
      std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
      std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < 1970 || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  Moment moment;
  moment.instant = std::chrono::sys_days(date) + std::chrono::hours(hour) +
                   std::chrono::minutes(minute) + seconds(second);
  moment.resolution = seconds(1);
  std::string_view rest = text.substr(19);
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
      moment.resolution /= 10;
      moment.instant += moment.resolution * (rest.front() - '0');
      rest.remove_prefix(1);
    }
    moment.resolution = std::max(moment.resolution, microseconds(1));
  }
  if (rest == "Z") {
    moment.has_offset = true;
  } else if (!rest.empty()) {
    const bool colon = rest.size() == 6 && rest[3] == ':';
    int hours = 0;
    int minutes = 0;
    if ((rest[0] != '+' && rest[0] != '-') || (!colon && rest.size() != 5) ||
        !digits(rest, 1, 2, hours) ||
        !digits(rest, colon ? 4 : 3, 2, minutes) || hours > 23 ||
        minutes > 59) {
      return std::nullopt;
    }
    const auto offset =
        std::chrono::hours(hours) + std::chrono::minutes(minutes);
    moment.instant -= rest[0] == '-' ? -offset : offset;
    moment.has_offset = true;
  }
  return moment;
}

// The moment in UTC, if it can be told: the reading that lies within the
// recording together with what lasted from then on.
std::optional<Moment> in_recording(std::string_view text, microseconds lasted,
                                   const Recorded& recorded) {
  const auto moment = moment_of(text);
  if (!moment) {
    return std::nullopt;
  }
  std::vector<seconds> offsets = {seconds(0)};
  if (!moment->has_offset && recorded.local_offset != seconds(0)) {
    offsets.push_back(recorded.local_offset);
  }
  std::optional<Moment> found;
  for (const seconds offset : offsets) {
    Moment read = *moment;
    read.instant -= offset;
    if (read.instant + read.resolution + kAllowance >= recorded.start &&
        read.instant + lasted <= recorded.end + kAllowance) {
      if (found) {
        return std::nullopt;  // both fit
      }
      found = read;
    }
  }
  return found;
}

// Tests in the order of the report, one after the other.
void place_in_order(const TestSuite& suite, const Moment& began,
                    microseconds lasted, microseconds tests, Placed& placed) {
  // Tests that took longer than their suite ran side by side: then each may
  // have run at any time of it.
  const bool in_order = tests <= lasted + began.resolution;
  const microseconds between =
      in_order ? std::max(lasted - tests, microseconds(0)) + began.resolution
               : microseconds(0);
  microseconds before{};
  for (const TestCase& one : suite.cases) {
    Span span{one.name, began.instant, began.instant + lasted};
    if (in_order) {
      span.from = began.instant + before;
      span.to = span.from + one.time + between;
    }
    before += one.time;
    placed.spans.push_back(std::move(span));
  }
}

void place_suite(const TestSuite& suite, const Recorded& recorded,
                 Placed& placed) {
  const auto lose = [&](std::string_view why) {
    placed.lost.push_back(fmt::format("{} tests of suite \"{}\": {}",
                                      suite.cases.size(),
                                      json::quote_bytes(suite.name), why));
  };
  microseconds tests{};
  bool own_times = !suite.cases.empty();
  for (const TestCase& one : suite.cases) {
    tests += one.time;
    own_times = own_times && !one.timestamp.empty();
  }
  if (suite.cases.empty()) {
    return;
  }
  if (own_times) {
    for (const TestCase& one : suite.cases) {
      if (const auto at = in_recording(one.timestamp, one.time, recorded)) {
        placed.spans.push_back(
            {one.name, at->instant, at->instant + one.time + at->resolution});
      } else {
        placed.lost.push_back(fmt::format(
            "test \"{}\": its time lies outside the recording", one.name));
      }
    }
    return;
  }
  if (suite.timestamp.empty() || !suite.time) {
    lose("the report says not when it ran");
    return;
  }
  const auto began = in_recording(suite.timestamp, *suite.time, recorded);
  if (!began) {
    lose(
        "its time, in UTC and in local time, does not tell when in the "
        "recording it ran");
    return;
  }
  place_in_order(suite, *began, *suite.time, tests, placed);
}

}  // namespace

Result<std::vector<TestSuite>> parse_junit(std::string_view xml) {
  Reader reader;
  TRY(walk_xml(
      xml, kLimits,
      [&](std::string_view name, const Attributes& attributes,
          std::size_t depth) { return reader.starts(name, attributes, depth); },
      [&](std::string_view name) { reader.ends(name); }));
  return reader.take();
}

Placed place_tests(const std::vector<TestSuite>& suites,
                   const Recorded& recorded) {
  Placed placed;
  for (const TestSuite& suite : suites) {
    place_suite(suite, recorded, placed);
  }
  std::ranges::sort(placed.spans, {}, [](const Span& span) {
    return std::tie(span.from, span.to, span.name);
  });
  return placed;
}

}  // namespace vambrace::imports
