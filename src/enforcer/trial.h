#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "enforcer/apparmor/records.h"
#include "enforcer/dress.h"
#include "enforcer/report.h"
#include "evidence/evidence.h"
#include "recorder/recorder.h"

namespace vambrace::enforcer {

// How a test command is run with one workload of it confined.
struct TrialPlan {
  std::vector<std::string> command;
  // Process: executables, each of which must be started. Docker, runc and crun:
  // the name of one container.
  std::vector<std::string> workloads;
  // Process: confine only what is started with this argument. For programs that
  // driver and workload share, such as an interpreter.
  std::string matching;
  // The command's standard output goes to standard error.
  bool output_to_error = false;
  // Process: renders the AppArmor profile for the trial; it must outlive it.
  std::function<Result<policy::apparmor::Rendered>(
      const policy::apparmor::RenderOptions&)>
      profile;
  // Words for `vambrace run` in the place of docker and runc: the bundle and
  // what was chosen of it.
  std::vector<std::string> run_words;
};

// What a trial showed.
struct Trial {
  int status = 0;  // of the command
  Report report;
  std::vector<evidence::Evidence> evidence;
  apparmor::Watched apparmor;
};

using MakeRecorder = std::function<std::unique_ptr<recorder::Recorder>()>;

class ProfileInTrial;

// Trials of one command. Process trials move this process into a private mount
// namespace for good (docs/decisions/verify-one.md).
class Trials {
 public:
  explicit Trials(MakeRecorder make_recorder)
      : make_recorder_(std::move(make_recorder)) {}

  // Runs the command to its end with the workload under `dress` and watched in
  // the kernel. Unsupported for targets that cannot be put on from here,
  // InvalidInput for several containers.
  Result<Trial> run(const TrialPlan& plan, const Dress& dress);

 private:
  Result<Trial> run_process(const TrialPlan& plan, const Dress& dress);
  Result<Trial> run_engine(const TrialPlan& plan, const Dress& dress,
                           const std::string& engine);
  Result<Trial> watch(const TrialPlan& plan, const recorder::Scope& scope,
                      const std::string& report, ProfileInTrial& profile);

  MakeRecorder make_recorder_;
  bool private_mounts_ = false;
};

// Adds a failure for each program that was never started, if another was: a
// verdict on several is one on each. With no start at all there is no verdict.
void require_each(const std::vector<std::string>& programs, Report& report);

// Adds a failure for each program of the test driver that started `program`, or
// the same build of it by another path, where the launcher does not stand: from
// a chroot, say. The launcher's own facts must be gone from `evidence`.
void report_bypasses(const std::string& program,
                     const evidence::Evidence& evidence, Report& report);

// The evidence without what verify's own launcher did in the workload's place.
evidence::Evidence without_launcher(evidence::Evidence evidence);

// Whether the workload's own program ran: a container may end before.
bool program_ran(const evidence::Evidence& evidence);

// The programs that the evidence calls the application, without doubles.
std::vector<std::string> application_programs(
    const evidence::Evidence& evidence);

// Words as one line for a POSIX shell.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace vambrace::enforcer
