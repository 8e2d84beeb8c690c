#include <csignal>
#include <ctime>
#include <fstream>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/record_words.h"
#include "evidence/json.h"
#include "recorder/ebpf/ebpf_recorder.h"
#include "recorder/ebpf/resume.h"
#include "recorder/ebpf/state.h"

namespace vambrace::cli {
namespace {

using std::chrono::milliseconds;

volatile std::sig_atomic_t stopped = 0;

void on_stop(int) {
  stopped = 1;
}

// SIGINT and SIGTERM end the recording, not the program; put back at the end.
class StopSignals {
 public:
  StopSignals() {
    stopped = 0;
    struct sigaction action{};
    action.sa_handler = on_stop;
    ::sigaction(SIGINT, &action, &old_int_);
    ::sigaction(SIGTERM, &action, &old_term_);
  }
  ~StopSignals() {
    ::sigaction(SIGINT, &old_int_, nullptr);
    ::sigaction(SIGTERM, &old_term_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  struct sigaction old_int_{};
  struct sigaction old_term_{};
};

// A phase whenever the first line of the file changes.
void follow(const std::string& file, std::string& last,
            recorder::Recorder& recorder) {
  if (file.empty()) {
    return;
  }
  std::ifstream stream(file);
  std::string name;
  if (std::getline(stream, name) && !name.empty() && name != last &&
      recorder.mark(name)) {
    last = name;
  }
}

// Local time less UTC, as the test runners of this machine have it.
std::chrono::seconds local_offset() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return std::chrono::seconds(local.tm_gmtoff);
}

Result<std::optional<int>> watch(Environment& environment,
                                 recorder::Recorder& recorder,
                                 const std::string& phase_file) {
  const bool live = environment.output.err_is_terminal();
  std::string phase;
  recorder::Progress before;
  std::optional<int> status;
  bool asked = false;
  while (!status) {
    if (stopped != 0 && !asked) {
      asked = true;
      recorder.end();
    }
    follow(phase_file, phase, recorder);
    TRY_ASSIGN(status,
               recorder.wait(milliseconds(phase_file.empty() ? 500 : 100)));
    if (live) {
      const recorder::Progress seen = recorder.progress();
      environment.output.err(progress_line(seen, before));
      before = seen;
    }
  }
  if (live) {
    environment.output.err("\r\033[K");
  }
  return status;
}

// A recording cannot be had again: what does not fit where it should go is
// kept in memory-backed storage, and the error says where.
Error kept_elsewhere(Environment& environment, Error error,
                     const std::string& file, const std::string& text) {
  const std::string place =
      fmt::format("{}/unwritten/{}", recorder::ebpf::kStateRoot,
                  file.substr(file.rfind('/') + 1));
  if (!environment.files.write(place, text)) {
    return error;
  }
  return std::move(error).with_hint(fmt::format(
      "the evidence is kept until the next boot; make room, then: mv {} {}",
      place, file));
}

Result<std::vector<std::string>> write(
    Environment& environment, const std::vector<evidence::Evidence>& evidences,
    const std::string& output) {
  std::vector<std::string> files;
  std::optional<Error> failed;
  for (std::size_t i = 0; i < evidences.size(); ++i) {
    files.push_back(evidence_file(output, evidences[i], i, evidences.size()));
    const std::string text = evidence::print(evidences[i]);
    if (auto written = environment.files.write(files.back(), text); !written) {
      failed = kept_elsewhere(environment, std::move(written.error()),
                              files.back(), text);
    }
  }
  if (failed) {
    return std::unexpected(std::move(*failed));
  }
  return files;
}

// A workload of which nothing was seen is no success, whatever the command
// says.
Exit exit_of(const std::vector<evidence::Evidence>& evidences,
             std::optional<int> status) {
  return status.value_or(0) == 0 &&
                 std::ranges::all_of(evidences, evidence::has_application)
             ? Exit::Clean
             : Exit::Findings;
}

}  // namespace

Result<Exit> resume_recording(Environment& environment, const std::string& id,
                              const std::string& output, bool json) {
  TRY_ASSIGN(const auto resumed, recorder::ebpf::resume(environment.files, id));
  TRY_ASSIGN(const auto files,
             write(environment, resumed.evidences,
                   output.empty() ? resumed.state.output
                                  : as_place(environment.files, output)));
  if (const auto gone = recorder::ebpf::discard(environment.files, id); !gone) {
    environment.output.err(left_behind_text(gone.error()));
  }
  environment.output.out(
      json ? summary_json(resumed.evidences, files, std::nullopt)
           : summary_text(resumed.evidences, files, std::nullopt));
  return exit_of(resumed.evidences, std::nullopt);
}

Result<Exit> record(Environment& environment, Words words) {
  RecordWords given;
  TRY(given.parse(environment, words));
  TRY(given.check_output(environment));

  if (given.resume) {
    TRY_ASSIGN(
        const recorder::ebpf::Known known,
        recorder::ebpf::find_recording(environment.files, given.resume_id));
    return resume_recording(environment, known.id, given.output, given.json);
  }
  bool mounted = false;
  if (recorder::ebpf::ensure_bpffs(mounted)) {
    given.options.pin_directory = recorder::ebpf::kPinRoot;
  }
  if (mounted) {
    environment.output.err("mounted a bpffs at /sys/fs/bpf\n");
  }
  given.options.output = given.output;

  // Where they cannot be listed, start() says what is wrong.
  if (const auto all = recorder::ebpf::known_recordings(environment.files)) {
    environment.output.err(left_over_text(*all));
  }

  const StopSignals signals;
  imports::Recorded recorded{.start = environment.now(),
                             .local_offset = local_offset()};
  const auto recorder = recorder::ebpf::make_recorder();
  TRY(recorder->start(given.scope, given.options));
  TRY_ASSIGN(const std::optional<int> status,
             watch(environment, *recorder, given.phase_file));
  recorded.end = environment.now();
  // Else a command that ends with 143 would seem to have failed by itself.
  if (!given.scope.command.empty() && recorder->progress().asked_to_end) {
    environment.output.err(
        "asked to end, by a signal or vambrace stop; the command got "
        "SIGTERM\n");
  }
  const RecordedTests tests =
      read_reports(environment, given.reports, recorded);
  recorder->divide(evidence::Spans(tests.placed));
  TRY_ASSIGN(auto evidences, recorder->finish());
  if (const auto left = recorder->left_behind()) {
    environment.output.err(left_behind_text(*left));
  }
  for (evidence::Evidence& evidence : evidences) {
    evidence.workload.owner = given.owner;
  }
  TRY_ASSIGN(const auto files, write(environment, evidences, given.output));
  environment.output.out(given.json
                             ? summary_json(evidences, files, status, tests)
                             : summary_text(evidences, files, status, tests));
  return exit_of(evidences, status);
}

}  // namespace vambrace::cli
