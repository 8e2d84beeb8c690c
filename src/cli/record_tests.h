#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "import/junit.h"

namespace vambrace::cli {

// What JUnit reports said about the tests of a recording.
struct RecordedTests {
  bool asked = false;
  std::vector<evidence::Span> placed;
  std::vector<std::string> lost;  // a sentence each
};

// Reads the reports that a test run wrote: files, and folders of them. A report
// that is missing or no report is a sentence in `lost`, not an error: the
// recording is worth keeping without it.
RecordedTests read_reports(const Environment& environment,
                           const std::vector<std::string>& paths,
                           const imports::Recorded& recorded);

}  // namespace vambrace::cli
