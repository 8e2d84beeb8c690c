#include <unistd.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/enforcement.h"
#include "cli/options.h"
#include "enforcer/apparmor/loaded_profile.h"
#include "enforcer/process.h"
#include "enforcer/profile_choice.h"
#include "enforcer/report.h"
#include "enforcer/start.h"
#include "enforcer/subprocess.h"

namespace vambrace::cli {
namespace {

using enforcer::apparmor::LoadedProfile;

struct Asked {
  ChoiceWords choice;
  std::string user;
  std::string oci_bundle;
  std::vector<std::string> only;
  std::string report;  // verify's, if it is verify that asks
  bool docker = false;
  bool dry_run = false;
  bool json = false;
  std::vector<std::string> command;
};

Result<> parse(Environment& environment, Words words, Asked& asked) {
  Options options;
  declare_choice(options, asked.choice);
  options.value("-u,--user", "USER[:GROUP]", asked.user,
                "run a plain process as this user");
  options.flag("--docker", asked.docker,
               "the command is docker, whatever its name");
  options.value("--runc", "BUNDLE", asked.oci_bundle,
                "run this OCI bundle with runc; its config.json is copied");
  options.values("--only", "NAME", asked.only,
                 "arm only this container, image or OCI bundle, and start "
                 "every other docker or runc command unchanged");
  options.flag("--dry-run", asked.dry_run, "say what would be applied");
  options.json(asked.json);
  options.command(asked.command, "what to run", false);
  if (const auto told = environment.variables.find(enforcer::kReportVariable);
      told != environment.variables.end()) {
    asked.report = told->second;
  }
  return options.parse(environment, words);
}

Result<> complete_command(Asked& asked) {
  if (!asked.oci_bundle.empty()) {
    if (asked.command.empty()) {
      asked.command = {"runc", "run", "--bundle", asked.oci_bundle,
                       fmt::format("vambrace-{}", ::getpid())};
      return {};
    }
    return fail(ErrorCode::InvalidInput,
                "--runc and a command: name the OCI bundle once");
  }
  if (asked.command.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "no command")
            .with_hint("vambrace run DIR -- nginx -g 'daemon off;'"));
  }
  return {};
}

enforcer::Engine engine(const Asked& asked) {
  return asked.docker ? enforcer::Engine::Docker
                      : enforcer::engine_of(asked.command.front());
}

// What would be applied, for --dry-run.
void show(Environment& environment, const Asked& asked,
          const enforcer::Dress& dress, const std::vector<std::string>& words) {
  const std::vector<std::string> names =
      capability_words(dress.armour.capabilities);
  if (asked.json) {
    environment.output.out(
        json::print({{"schema", "vambrace.run/v1"},
                     {"engine", enforcer::to_string(engine(asked))},
                     {"target", dress.target.name},
                     {"stage", policy::to_string(dress.stage)},
                     {"capabilities", names},
                     {"no_new_privs", dress.armour.no_new_privs},
                     {"apparmor", dress.armour.apparmor},
                     {"seccomp", *json::parse(dress.armour.seccomp_json)},
                     {"command", words}}));
    return;
  }
  environment.output.out(fmt::format(
      "target        {}\nstage         {}\ncapabilities  {}\n"
      "no_new_privs  {}\nseccomp       {} entries, default {}\n"
      "apparmor      {}\ncommand       {}\n",
      dress.target.name, policy::to_string(dress.stage),
      names.empty() ? "none" : fmt::format("{}", fmt::join(names, " ")),
      dress.armour.no_new_privs ? "yes" : "no", dress.profile.entries.size(),
      policy::seccomp::to_string(dress.profile.default_action),
      dress.armour.apparmor.empty() ? "none" : dress.armour.apparmor,
      fmt::join(words, " ")));
}

// Puts the profile into the kernel, where it is to be used; none for a dry run
// and for who may not load it: then it must be there.
Result<std::optional<LoadedProfile>> profile_for(Environment& environment,
                                                 const Asked& asked,
                                                 enforcer::Dress& dress) {
  TRY_ASSIGN(const enforcer::ProfileChoice choice,
             enforcer::choose_profile(environment.files, dress));
  if (!choice.on) {
    // verify says it itself; what bundle.yaml says need not be repeated.
    if (asked.report.empty() && dress.apparmor.profile &&
        dress.target.apparmor != false) {
      environment.output.err(
          fmt::format("warning: AppArmor profile {} is not in force: {}\n",
                      dress.apparmor.profile->name, choice.why_not));
    }
    return std::nullopt;
  }
  dress.armour.apparmor = dress.apparmor.profile->name;
  if (asked.dry_run || ::geteuid() != 0) {
    return std::nullopt;
  }
  TRY_ASSIGN(LoadedProfile loaded,
             LoadedProfile::load(environment.files, dress.apparmor.text));
  return std::optional(std::move(loaded));
}

Result<Exit> run_process(Environment& environment, const Asked& asked,
                         enforcer::Dress dress) {
  TRY_ASSIGN(const std::string program,
             enforcer::find_program(asked.command.front(),
                                    environment.variables["PATH"]));
  TRY_ASSIGN(enforcer::LaunchSpec spec,
             enforcer::launch_spec(dress.profile, dress.target,
                                   dress.armour.capabilities));
  if (!asked.user.empty()) {
    TRY(enforcer::set_user(spec, asked.user));
  }
  TRY_ASSIGN(const std::optional<LoadedProfile> profile,
             profile_for(environment, asked, dress));
  if (asked.dry_run) {
    show(environment, asked, dress, asked.command);
    return Exit::Clean;
  }
  TRY(enforcer::set_profile(spec, dress.armour.apparmor));
  if (profile && profile->is_ours()) {
    // The program and what it leaves behind must not go on without it.
    environment.output.err(fmt::format(
        "vambrace run: AppArmor profile {0} is loaded, and stays so until "
        "vambrace apparmor unload {0}\n",
        profile->name()));
  }
  return std::unexpected(enforcer::become(spec, program, asked.command));
}

Result<Exit> run_engine(Environment& environment, const Asked& asked,
                        enforcer::Dress dress) {
  TRY_ASSIGN(std::optional<LoadedProfile> profile,
             profile_for(environment, asked, dress));
  TRY_ASSIGN(enforcer::PrivatePlace place, enforcer::PrivatePlace::create());
  if (dress.armour.seccomp_path.empty()) {
    TRY_ASSIGN(dress.armour.seccomp_path,
               place.put("seccomp.json", dress.armour.seccomp_json, false));
  }
  const bool pass_others = !asked.only.empty() || !asked.report.empty();
  const Result<enforcer::EngineStart> ready =
      enforcer::engine_start(engine(asked), asked.command, dress.armour,
                             asked.only, environment.files, place);
  if (!ready) {
    // A test may hide what its commands say.
    if (!asked.report.empty()) {
      TRY(enforcer::append_line(asked.report,
                                "failed 0 " + ready.error().message()));
    }
    return std::unexpected(ready.error());
  }
  const enforcer::EngineStart& start = *ready;
  if (!start.armoured && !pass_others) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{} does not start a container here",
                          asked.command.front()))
            .with_hint("only `run` and `create` take a policy"));
  }
  if (asked.dry_run) {
    show(environment, asked, dress, start.words);
    return Exit::Clean;
  }
  if (start.armoured && !asked.report.empty()) {
    TRY(enforcer::append_line(asked.report,
                              "confined 0 " + asked.command.front()));
  }
  if (start.keeps_files) {
    environment.output.err(fmt::format(
        "vambrace run: the changed config.json is kept in {}\n", place.path()));
    place.keep();
  }
  TRY_ASSIGN(const int status, enforcer::run_to_end(start.words));
  if (profile) {
    if (const std::string why = profile->unload(); !why.empty()) {
      environment.output.err(
          fmt::format("vambrace run: AppArmor profile {} stays loaded: {}\n",
                      profile->name(), why));
    }
  }
  return static_cast<Exit>(status);
}

}  // namespace

Result<Exit> run_command(Environment& environment, Words words) {
  Asked asked;
  TRY(parse(environment, words, asked));
  TRY(complete_command(asked));
  TRY_ASSIGN(Chosen chosen, choose(environment, asked.choice));
  enforcer::Dress& dress = chosen.dress;
  TRY(as_rendered(chosen.bundle, dress));
  if (asked.report.empty()) {  // otherwise verify has said it
    warn_of_lapsed(environment, dress);
  }
  if (engine(asked) == enforcer::Engine::Process) {
    return run_process(environment, asked, std::move(dress));
  }
  TRY(fits_containers(dress));
  return run_engine(environment, asked, std::move(dress));
}

}  // namespace vambrace::cli
