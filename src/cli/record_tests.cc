#include "cli/record_tests.h"

#include "base/json.h"

namespace vambrace::cli {
namespace {

constexpr std::uint64_t kReportBytes = std::uint64_t{64} << 20;

Result<std::vector<std::string>> reports_at(const Files& files,
                                            const std::string& path) {
  if (!files.is_directory(path)) {
    return std::vector{path};
  }
  TRY_ASSIGN(const auto names, files.list(path));
  std::vector<std::string> found;
  for (const std::string& name : names) {
    if (name.ends_with(".xml")) {
      found.push_back(path + "/" + name);
    }
  }
  if (found.empty()) {
    return fail(ErrorCode::NotFound, "{}: no .xml file in it",
                json::quote_bytes(path));
  }
  return found;
}

Result<imports::Placed> read_report(const Files& files, const std::string& path,
                                    const imports::Recorded& recorded) {
  TRY_ASSIGN(const std::string text, files.read(path, kReportBytes));
  TRY_ASSIGN(const auto suites,
             during(json::quote_bytes(path), imports::parse_junit(text)));
  return imports::place_tests(suites, recorded);
}

}  // namespace

RecordedTests read_reports(const Environment& environment,
                           const std::vector<std::string>& paths,
                           const imports::Recorded& recorded) {
  RecordedTests tests{.asked = !paths.empty()};
  for (const std::string& path : paths) {
    const auto found = reports_at(environment.files, path);
    if (!found) {
      tests.lost.push_back(found.error().message());
      continue;
    }
    for (const std::string& report : *found) {
      auto placed = read_report(environment.files, report, recorded);
      if (!placed) {
        tests.lost.push_back(placed.error().message());
        continue;
      }
      tests.placed.insert(tests.placed.end(), placed->spans.begin(),
                          placed->spans.end());
      tests.lost.insert(tests.lost.end(), placed->lost.begin(),
                        placed->lost.end());
    }
  }
  return tests;
}

}  // namespace vambrace::cli
