#include "enforcer/trial.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/fd.h"
#include "base/json.h"
#include "enforcer/apparmor/loaded_profile.h"
#include "enforcer/launcher/launcher_image.h"
#include "enforcer/private_place.h"
#include "enforcer/process.h"
#include "enforcer/profile_choice.h"
#include "host/disk_files.h"

namespace vambrace::enforcer {
namespace {

constexpr std::chrono::milliseconds kLook{200};

// The keyboard's interrupt ends the command; the trial then ends in order. A
// handler, unlike an ignored signal, is not passed on by execve.
class OutliveInterrupts {
 public:
  OutliveInterrupts() {
    struct sigaction stay{};
    stay.sa_handler = [](int) {};
    stay.sa_flags = SA_RESTART;
    ::sigaction(SIGINT, &stay, &before_);
  }
  ~OutliveInterrupts() { ::sigaction(SIGINT, &before_, nullptr); }
  OutliveInterrupts(const OutliveInterrupts&) = delete;
  OutliveInterrupts& operator=(const OutliveInterrupts&) = delete;

 private:
  struct sigaction before_{};
};

// Standard output leads to standard error for a while.
class OutputToError {
 public:
  OutputToError() : before_(::fcntl(1, F_DUPFD_CLOEXEC, 3)) { ::dup2(2, 1); }
  ~OutputToError() { ::dup2(before_.get(), 1); }
  OutputToError(const OutputToError&) = delete;
  OutputToError& operator=(const OutputToError&) = delete;

 private:
  Fd before_;
};

// Another environment variable for the commands started meanwhile.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) {
      before_ = before;
    }
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

std::string path_variable() {
  const char* path = std::getenv("PATH");
  return path != nullptr ? path : "/usr/bin:/bin";
}

Result<std::string> resolved(const std::string& exe) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(exe, error);
  if (error) {
    return std::unexpected(
        system_error(exe, error.value())
            .with_hint("--workload names the workload's executable"));
  }
  return path.string();
}

Result<> set_text(std::string_view text, char* to, std::size_t size) {
  if (text.size() >= size) {
    return fail(ErrorCode::InvalidInput, "too long: {}", text);
  }
  std::ranges::copy(text, to);
  to[text.size()] = '\0';
  return {};
}

}  // namespace

// The AppArmor profile of one trial: in the kernel, and watched, or not.
class ProfileInTrial {
 public:
  // `text` is asked for if there is AppArmor.
  static Result<ProfileInTrial> begin(
      const Dress& dress, const std::function<Result<std::string>()>& text) {
    ProfileInTrial result;
    TRY_ASSIGN(const ProfileChoice choice, choose_profile(kDisk, dress));
    if (!choice.on) {
      result.why_not_ = choice.why_not;
      return result;
    }
    TRY_ASSIGN(const std::string profile, text());
    TRY_ASSIGN(auto loaded, apparmor::LoadedProfile::load(kDisk, profile));
    result.loaded_.emplace(std::move(loaded));
    auto watch = apparmor::ProfileWatch::begin(result.loaded_->name());
    if (watch) {
      result.watch_.emplace(*std::move(watch));
    } else {
      result.blind_ = watch.error().message();
    }
    return result;
  }

  std::string name() const { return loaded_ ? loaded_->name() : ""; }

  void poll() {
    if (watch_) {
      watch_->poll();
    }
  }

  apparmor::Watched end() {
    apparmor::Watched result =
        watch_ ? watch_->end()
               : apparmor::Watched{.profile = name(), .why_not = why_not_};
    if (!blind_.empty()) {
      result.losses.push_back("AppArmor's denials are not seen here: " +
                              blind_);
    }
    if (loaded_) {
      result.kept = loaded_->unload();
    }
    return result;
  }

 private:
  static const DiskFiles kDisk;
  std::string why_not_;
  std::string blind_;
  std::optional<apparmor::LoadedProfile> loaded_;
  std::optional<apparmor::ProfileWatch> watch_;
};

const DiskFiles ProfileInTrial::kDisk;

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    line += line.empty() ? "'" : " '";
    for (const char c : word) {
      line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    line += "'";
  }
  return line;
}

std::vector<std::string> application_programs(
    const evidence::Evidence& evidence) {
  std::set<std::string> programs;
  for (const evidence::Process& process : evidence.processes) {
    if (process.key.origin == evidence::Origin::App &&
        process.key.exe.starts_with('/')) {
      programs.insert(process.key.exe);
    }
  }
  return {programs.begin(), programs.end()};
}

void require_each(const std::vector<std::string>& programs, Report& report) {
  if (report.started == 0) {
    return;
  }
  for (const std::string& program : programs) {
    if (!report.programs.contains(program)) {
      report.failures.push_back(
          fmt::format("{}: the command never started it", program));
    }
  }
}

void report_bypasses(const std::string& program,
                     const evidence::Evidence& evidence, Report& report) {
  std::set<std::string> builds;  // of the program as it ran under the policy
  for (const evidence::Process& process : evidence.processes) {
    if (process.key.origin == evidence::Origin::App &&
        process.key.exe == program) {
      builds.insert(process.key.build_id.value_or(""));
    }
  }
  // Many programs have no build id: then the path alone decides.
  const auto is_it = [&](const evidence::ProcessKey& key) {
    const std::string build = key.build_id.value_or("");
    const bool same_build = !build.empty() && builds.contains(build);
    const bool other_build =
        !build.empty() && !builds.empty() && !builds.contains("");
    return key.exe == program
               ? same_build || !other_build
               : same_build && file_name(key.exe) == file_name(program);
  };
  for (const evidence::Process& process : evidence.processes) {
    if (process.key.origin == evidence::Origin::Harness && is_it(process.key)) {
      report.failures.push_back(fmt::format(
          "{}: {} started it past verify, without the policy",
          json::quote_bytes(program), json::quote_bytes(process.key.parent)));
    }
  }
}

evidence::Evidence without_launcher(evidence::Evidence evidence) {
  std::erase_if(evidence.processes, [](const evidence::Process& process) {
    return process.key.build_id == launcher_build_id();
  });
  return evidence;
}

bool program_ran(const evidence::Evidence& evidence) {
  return std::ranges::any_of(
      evidence.processes, [](const evidence::Process& process) {
        return process.key.origin == evidence::Origin::App &&
               !process.syscalls.empty();
      });
}

Result<Trial> Trials::watch(const TrialPlan& plan, const recorder::Scope& scope,
                            const std::string& report,
                            ProfileInTrial& profile) {
  std::optional<OutputToError> redirected;
  if (plan.output_to_error) {
    redirected.emplace();
  }
  const std::unique_ptr<recorder::Recorder> recorder = make_recorder_();
  const OutliveInterrupts outlive;
  TRY(recorder->start(scope, {}));
  std::optional<int> status;
  while (!status) {
    TRY_ASSIGN(status, recorder->wait(kLook));
    profile.poll();
  }
  Trial trial{.status = *status};
  TRY_ASSIGN(trial.evidence, recorder->finish());
  trial.apparmor = profile.end();
  TRY_ASSIGN(const std::string text, DiskFiles().read(report));
  trial.report = parse_report(text);
  return trial;
}

Result<Trial> Trials::run_process(const TrialPlan& plan, const Dress& dress) {
  TRY_ASSIGN(LaunchSpec spec, launch_spec(dress.profile, dress.target,
                                          dress.armour.capabilities));
  // The driver may start the workload as any user.
  spec.lenient = 1;
  TRY_ASSIGN(const PrivatePlace place, PrivatePlace::create());
  TRY_ASSIGN(const std::string report, place.put_open("report"));
  TRY(set_text(report, spec.report, sizeof spec.report));
  TRY(set_text(plan.matching, spec.matching, sizeof spec.matching));
  // The programs by the paths that the launcher has for them.
  policy::apparmor::RenderOptions rendering{.other_namespaces = true};
  for (std::size_t i = 0; i < plan.workloads.size(); ++i) {
    TRY_ASSIGN(const std::string exe, resolved(plan.workloads[i]));
    rendering.second_paths.push_back(
        place.file(second_path(std::to_string(i), exe)));
  }
  const auto rendered = [&]() -> Result<std::string> {
    TRY_ASSIGN(policy::apparmor::Rendered made, plan.profile(rendering));
    return std::move(made.text);
  };
  TRY_ASSIGN(ProfileInTrial profile, ProfileInTrial::begin(dress, rendered));
  TRY(set_profile(spec, profile.name()));
  if (!private_mounts_) {
    TRY(enter_private_mounts());
    private_mounts_ = true;
  }
  recorder::Scope scope{.command = plan.command};
  std::vector<WorkloadCover> covers;
  for (const std::string& workload : plan.workloads) {
    TRY_ASSIGN(const std::string exe, resolved(workload));
    TRY_ASSIGN(
        WorkloadCover cover,
        WorkloadCover::create(place, exe, std::to_string(covers.size()), spec));
    covers.push_back(std::move(cover));
    scope.workloads.push_back(exe);
  }
  TRY_ASSIGN(Trial trial, watch(plan, scope, report, profile));
  require_each(scope.workloads, trial.report);
  for (evidence::Evidence& evidence : trial.evidence) {
    evidence = without_launcher(std::move(evidence));
  }
  if (plan.matching.empty()) {
    for (std::size_t i = 0; i < trial.evidence.size(); ++i) {
      report_bypasses(scope.workloads.at(i), trial.evidence[i], trial.report);
    }
  }
  return trial;
}

// A folder in front of PATH holds a docker or runc that calls `vambrace run`.
Result<Trial> Trials::run_engine(const TrialPlan& plan, const Dress& dress,
                                 const std::string& engine) {
  if (plan.workloads.size() != 1) {
    return std::unexpected(
        Error(
            ErrorCode::InvalidInput,
            fmt::format("one container at a time, not {}: {}",
                        plan.workloads.size(), fmt::join(plan.workloads, ", ")))
            .with_hint("run verify once for each --workload"));
  }
  TRY_ASSIGN(const PrivatePlace place, PrivatePlace::create());
  TRY_ASSIGN(const std::string report, place.put_open("report"));
  const std::string before = path_variable();
  TRY_ASSIGN(const std::string real, find_program(engine, before));
  const Variable path("PATH", place.file("bin") + ":" + before);
  // Unlike a command line, it is read by nobody but its owner.
  const Variable told(kReportVariable, report);
  std::vector<std::string> words = {
      std::filesystem::read_symlink("/proc/self/exe").string(), "run"};
  words.insert(words.end(), plan.run_words.begin(), plan.run_words.end());
  const recorder::Scope scope{.command = plan.command,
                              .container = plan.workloads.front()};
  if (engine == "docker") {
    words.emplace_back("--docker");
  }
  words.insert(words.end(), {"--only", scope.container, "--", real});
  TRY(place.put("bin/" + engine,
                fmt::format("#!/bin/sh\nexec {} \"$@\"\n", shell_line(words)),
                true));
  // `vambrace run` finds the profile loaded and leaves it so.
  TRY_ASSIGN(ProfileInTrial profile, ProfileInTrial::begin(dress, [&] {
               return Result<std::string>(dress.apparmor.text);
             }));
  TRY_ASSIGN(Trial trial, watch(plan, scope, report, profile));
  // The report was written before the engine was asked.
  if (std::ranges::none_of(trial.evidence, program_ran)) {
    trial.report.started = 0;
  }
  return trial;
}

Result<Trial> Trials::run(const TrialPlan& plan, const Dress& dress) {
  const runtime::Target& target = dress.target;
  if (target.engine == runtime::Engine::Docker) {
    return run_engine(plan, dress, "docker");
  }
  if (target.engine != runtime::Engine::None) {
    return std::unexpected(
        Error(ErrorCode::Unsupported,
              fmt::format("a trial cannot be run on target \"{}\" from here",
                          target.name))
            .with_hint("--target process, runc or docker"));
  }
  switch (target.runtime) {
    case runtime::Runtime::Process:
      return run_process(plan, dress);
    case runtime::Runtime::Runc:
      return run_engine(plan, dress, "runc");
    case runtime::Runtime::Crun:
      return run_engine(plan, dress, "crun");
  }
  return fail(ErrorCode::Internal, "unknown runtime");
}

}  // namespace vambrace::enforcer
