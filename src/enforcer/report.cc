#include "enforcer/report.h"

#include <algorithm>
#include <charconv>

#include "kernel/errnos.h"

namespace vambrace::enforcer {

Report parse_report(std::string_view text) {
  Report report;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("confined ")) {
      ++report.started;
      line.remove_prefix(9);
      line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
      report.programs.emplace(line);
    } else if (line.starts_with("failed ")) {
      line.remove_prefix(7);
      std::uint32_t number = 0;
      const auto [rest, error] =
          std::from_chars(line.data(), line.data() + line.size(), number);
      line.remove_prefix(static_cast<std::size_t>(rest - line.data()));
      std::string failure(line.substr(line.starts_with(" ") ? 1 : 0));
      if (error == std::errc() && number != 0) {
        failure += ": " + kernel::errno_name(number);
      }
      report.failures.push_back(std::move(failure));
    }
  }
  return report;
}

}  // namespace vambrace::enforcer
