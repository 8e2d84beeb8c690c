#include "evidence/time.h"

#include <algorithm>
#include <array>

namespace vambrace::evidence {
namespace {

using std::chrono::days;
using std::chrono::microseconds;

constexpr Instant at_midnight(int year, unsigned month, unsigned day) {
  return std::chrono::sys_days(std::chrono::year(year) /
                               static_cast<int>(month) / static_cast<int>(day));
}
constexpr Instant kLeast = at_midnight(0, 1, 1);
constexpr Instant kMost = at_midnight(9999, 12, 31) + days(1) - microseconds(1);

// Digits stand where the picture has a '0'.
constexpr std::string_view kPicture = "0000-00-00T00:00:00.000000Z";

void put(char* at, std::int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

std::int64_t take(std::string_view text, std::size_t at, std::size_t digits) {
  std::int64_t value = 0;
  for (const char c : text.substr(at, digits)) {
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

void append_time(std::string& out, Instant instant) {
  instant = std::clamp(instant, kLeast, kMost);
  const auto day = std::chrono::floor<days>(instant);
  const std::chrono::year_month_day date(day);
  const std::int64_t micros = (instant - day).count();
  const std::int64_t seconds = micros / 1'000'000;
  std::array<char, kPicture.size()> text;
  std::copy(kPicture.begin(), kPicture.end(), text.begin());
  put(text.data(), int{date.year()}, 4);
  put(text.data() + 5, unsigned{date.month()}, 2);
  put(text.data() + 8, unsigned{date.day()}, 2);
  put(text.data() + 11, seconds / 3600, 2);
  put(text.data() + 14, seconds / 60 % 60, 2);
  put(text.data() + 17, seconds % 60, 2);
  put(text.data() + 20, micros % 1'000'000, 6);
  out.append(text.data(), text.size());
}

std::string format_time(Instant instant) {
  std::string out;
  append_time(out, instant);
  return out;
}

std::optional<Instant> parse_time(std::string_view text) {
  if (text.size() != kPicture.size()) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kPicture[i] == '0' ? !digit : text[i] != kPicture[i]) {
      return std::nullopt;
    }
  }
  const std::chrono::year_month_day date(
      std::chrono::year(static_cast<int>(take(text, 0, 4))),
      std::chrono::month(static_cast<unsigned>(take(text, 5, 2))),
      std::chrono::day(static_cast<unsigned>(take(text, 8, 2))));
  const std::int64_t hours = take(text, 11, 2);
  const std::int64_t minutes = take(text, 14, 2);
  const std::int64_t seconds = take(text, 17, 2);
  if (!date.ok() || hours > 23 || minutes > 59 || seconds > 59) {
    return std::nullopt;
  }
  return Instant(std::chrono::sys_days(date)) +
         std::chrono::seconds(hours * 3600 + minutes * 60 + seconds) +
         microseconds(take(text, 20, 6));
}

}  // namespace vambrace::evidence
