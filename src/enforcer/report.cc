#include "enforcer/report.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/json.h"
#include "kernel/errnos.h"

namespace vambrace::enforcer {

namespace {

// The number and the blank behind it, both taken off.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  std::uint32_t number = 0;
  const auto [rest, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  const std::size_t used = static_cast<std::size_t>(rest - text.data());
  if (error != std::errc() || used + 1 >= text.size() || text[used] != ' ') {
    return std::nullopt;
  }
  text.remove_prefix(used + 1);
  return number;
}

bool take(std::string_view& text, std::string_view word) {
  const bool there = text.starts_with(word);
  text.remove_prefix(there ? word.size() : 0);
  return there;
}

bool read_line(std::string_view line, Report& report) {
  if (take(line, "confined ") && take_number(line)) {
    ++report.started;
    report.programs.emplace(line);
    return true;
  }
  if (!take(line, "failed ")) {
    return false;
  }
  const std::optional<std::uint32_t> number = take_number(line);
  if (number) {
    report.failures.push_back(
        *number == 0
            ? std::string(line)
            : fmt::format("{}: {}", line, kernel::errno_name(*number)));
  }
  return number.has_value();
}

}  // namespace

Report parse_report(std::string_view text) {
  Report report;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (end == text.npos || !read_line(line, report)) {
      report.failures.push_back(
          fmt::format("the report of starts has a line that none wrote: {}",
                      json::quote_bytes(line.substr(0, 80))));
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return report;
}

}  // namespace vambrace::enforcer
