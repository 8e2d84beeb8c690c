#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/record_tests.h"
#include "evidence/evidence.h"
#include "recorder/ebpf/state.h"
#include "recorder/recorder.h"

namespace vambrace::cli {

// Table sizes as given, to be made small in tests.
struct RecordSizes {
  std::optional<std::uint32_t> tasks;
  std::optional<std::uint32_t> images;
  std::optional<std::uint32_t> facts;
  std::optional<std::uint32_t> ring;

  // InvalidInput, with what is allowed; else they are in the options.
  Result<> check(recorder::Options& options) const;
};

// What `record` was asked for, checked.
struct RecordWords {
  recorder::Scope scope;
  recorder::Options options;
  std::string output;  // a folder ends in a slash
  std::string owner;
  std::string phase_file;
  std::vector<std::string> reports;  // JUnit
  std::string resume_id;
  bool resume = false;
  bool json = false;

  Result<> parse(Environment& environment, Words words);
  // Before anything runs: can the evidence be written where it should go?
  Result<> check_output(Environment& environment) const;
};

// Writes the evidence of a recording whose recorder is gone, and says so.
// `output` empty: where it was to go.
Result<Exit> resume_recording(Environment& environment, const std::string& id,
                              const std::string& output, bool json);

// `-o output`, with a slash at the end where a folder is.
std::string as_place(const Files& files, const std::string& output);

// Where the evidence of workload `index` of `count` goes for `-o output`.
std::string evidence_file(const std::string& output,
                          const evidence::Evidence& evidence, std::size_t index,
                          std::size_t count);

// One line for a terminal, overwriting the last one. Fits 80 columns, so that
// it can be overwritten in turn.
std::string progress_line(const recorder::Progress& seen,
                          const recorder::Progress& before);

// A line for each recording whose recorder is gone: every call of every process
// goes on paying for it.
std::string left_over_text(
    const std::vector<recorder::ebpf::Known>& recordings);

// A recording that ended, but left pins.
std::string left_behind_text(const Error& error);

// What was recorded, the verdict, and the next step.
std::string summary_text(const std::vector<evidence::Evidence>& evidences,
                         const std::vector<std::string>& files,
                         std::optional<int> status,
                         const RecordedTests& tests = {});
std::string summary_json(const std::vector<evidence::Evidence>& evidences,
                         const std::vector<std::string>& files,
                         std::optional<int> status,
                         const RecordedTests& tests = {});

}  // namespace vambrace::cli
