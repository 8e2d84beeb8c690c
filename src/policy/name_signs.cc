#include "policy/name_signs.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>

#include "policy/apparmor/letters.h"
#include "policy/apparmor/segment.h"

namespace vambrace::policy {
namespace {

using apparmor::is_number;
using evidence::FileFact;

constexpr NameSign kDate{"the date of the recording", true};
constexpr NameSign kTime{"the time of the recording", true};
constexpr NameSign kProcess{"a process of the recording", true};
constexpr NameSign kNumber{"a number"};
constexpr NameSign kHash{"a hash"};
constexpr NameSign kDrawn{"letters drawn by lot"};

// Nobody counts that far in a name.
constexpr std::size_t kLongNumber = 6;
// Fewer digits meet by chance.
constexpr std::size_t kTellingDigits = 3;

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size()
             ? std::optional(value)
             : std::nullopt;
}

// Where programs put what is theirs for the time they run.
bool is_of_runs(std::string_view directory) {
  constexpr std::string_view kOfRuns[] = {"/tmp/", "/var/tmp/", "/dev/shm/",
                                          "/run/", "/var/run/"};
  return std::ranges::any_of(kOfRuns, [&](std::string_view one) {
    return directory.starts_with(one);
  });
}

// How many letters and digits belong to words of three letters or more: "Log",
// "log", "LOG" and both words of "HTTPLog".
std::size_t letters_in_words(std::string_view run) {
  constexpr std::size_t kShortest = 3;
  const auto is_small = [](char byte) { return byte >= 'a' && byte <= 'z'; };
  const auto is_capital = [](char byte) { return byte >= 'A' && byte <= 'Z'; };
  std::size_t covered = 0;
  for (std::size_t at = 0; at < run.size();) {
    std::size_t end = at;
    while (end < run.size() && is_capital(run[end])) {
      ++end;
    }
    // The last capital begins the next word.
    if (end < run.size() && is_small(run[end])) {
      if (end - at > 1) {
        --end;
      } else {
        while (end < run.size() && is_small(run[end])) {
          ++end;
        }
      }
    }
    end = std::max(end, at + 1);
    covered += end - at >= kShortest ? end - at : 0;
    at = end;
  }
  return covered;
}

// A part of the name by itself, which begins it not: "cgisock.120",
// "admin.sock.2505.tmp". Shells and servers put their process's number there;
// PostgreSQL's sockets have their port (src/include/libpq/pqcomm.h).
bool stands_apart(std::string_view digits, std::string_view name) {
  constexpr std::string_view kMarks = ".-_#";
  if (name.starts_with(".s.PGSQL.")) {
    return false;
  }
  const char* const end = digits.data() + digits.size();
  const bool begins = digits.data() == name.data();
  return !begins && kMarks.contains(digits.data()[-1]) &&
         (end == name.data() + name.size() || kMarks.contains(*end));
}

bool looks_drawn(std::string_view name) {
  while (!name.empty()) {
    const std::string_view run =
        apparmor::leading(name, apparmor::alphanumerics());
    if (apparmor::looks_random(run) && 2 * letters_in_words(run) < run.size()) {
      return true;
    }
    name.remove_prefix(run.empty() ? 1 : run.size());
  }
  return false;
}

}  // namespace

NameSigns::NameSigns(const evidence::Evidence& evidence)
    : recordings_(evidence.recordings) {
  constexpr std::string_view kProc = "/proc/";
  for (const evidence::Process& process : evidence.processes) {
    for (const FileFact& fact : process.files) {
      if (fact.path.starts_with(kProc)) {
        const std::string_view rest =
            std::string_view(fact.path).substr(kProc.size());
        processes_.insert(rest.substr(0, rest.find('/')));
      }
    }
    for (const evidence::NetworkFact& fact : process.network) {
      ports_.insert(fact.port);
    }
  }
}

// `date` begins with one. Clocks of other zones are a day away.
bool NameSigns::has_day(std::string_view date) const {
  std::string digits;
  for (const char byte : date) {
    if (is_number({&byte, 1}) && digits.size() < 8) {
      digits += byte;
    }
  }
  const auto value = number_of(digits);
  const std::chrono::year_month_day day(
      std::chrono::year(static_cast<int>(value.value_or(0) / 10000)),
      std::chrono::month(static_cast<unsigned>(value.value_or(0) / 100 % 100)),
      std::chrono::day(static_cast<unsigned>(value.value_or(0) % 100)));
  const std::chrono::days one(1);
  return day.ok() &&
         std::ranges::any_of(recordings_, [&](const auto& recording) {
           const std::chrono::sys_days midnight = day;
           return midnight + one + one > recording.start &&
                  midnight - one <= recording.end;
         });
}

// Seconds since 1970, or a usual fraction of them.
bool NameSigns::has_time(std::string_view digits) const {
  constexpr std::pair<std::size_t, std::uint64_t> kUnits[] = {
      {10, 1}, {13, 1000}, {16, 1000000}, {19, 1000000000}};
  const auto value = number_of(digits);
  for (const auto& [length, unit] : kUnits) {
    if (value && digits.size() == length) {
      const evidence::Instant moment{std::chrono::seconds(*value / unit)};
      const std::chrono::hours one(1);
      return std::ranges::any_of(recordings_, [&](const auto& recording) {
        return moment + one >= recording.start && moment <= recording.end + one;
      });
    }
  }
  return false;
}

bool NameSigns::has_process(std::string_view digits) const {
  return digits.size() >= kTellingDigits && processes_.contains(digits);
}

bool NameSigns::has_port(std::string_view digits) const {
  return ports_.contains(number_of(digits).value_or(0));
}

// What a number in a name is a sign of, where it is the whole name but for an
// ending or not.
std::optional<NameSign> NameSigns::of_number(std::string_view digits,
                                             bool whole, std::string_view name,
                                             std::string_view directory) const {
  if (has_port(digits)) {
    return std::nullopt;
  }
  if (has_time(digits)) {
    return kTime;
  }
  if (has_process(digits)) {
    return kProcess;
  }
  const bool of_run =
      digits.size() >= kTellingDigits &&
      (name.ends_with(".pid") || (whole && is_of_runs(directory)) ||
       stands_apart(digits, name));
  return digits.size() >= kLongNumber || of_run ? std::optional(kNumber)
                                                : std::nullopt;
}

// Dates and numbers in a name, the first that is a sign.
std::optional<NameSign> NameSigns::of_digits(std::string_view name,
                                             std::string_view directory) const {
  const std::string_view stem = name.substr(0, name.rfind('.'));
  std::string_view rest = name;
  while (!rest.empty()) {
    if (const auto date = apparmor::leading_date(rest)) {
      if (has_day(rest.substr(0, date->length))) {
        return kDate;
      }
      rest.remove_prefix(date->length);
      continue;
    }
    const std::string_view digits = apparmor::leading(rest, apparmor::digits());
    if (!digits.empty()) {
      const bool whole = digits == name || digits == stem;
      if (const auto sign = of_number(digits, whole, name, directory)) {
        return sign;
      }
    }
    rest.remove_prefix(std::max<std::size_t>(1, digits.size()));
  }
  return std::nullopt;
}

std::optional<NameSign> NameSigns::of(std::string_view name,
                                      std::string_view directory) const {
  if (const auto sign = of_digits(name, directory)) {
    return sign;
  }
  const auto form =
      apparmor::form_of(name, {.directory = directory,
                               .purpose = apparmor::Purpose::Write,
                               .made = true,
                               .file = true});
  if (form && (form->kind == apparmor::Kind::Hex ||
               form->kind == apparmor::Kind::Uuid)) {
    return kHash;
  }
  const bool temporary =
      form && form->kind == apparmor::Kind::TempName && form->needed == 1;
  return temporary || looks_drawn(name) ? std::optional(kDrawn) : std::nullopt;
}

}  // namespace vambrace::policy
