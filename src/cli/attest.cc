#include "attest/attestation.h"

#include "attest/inspect.h"
#include "attest/processes.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/enforcement.h"
#include "cli/options.h"
#include "enforcer/capability_plan.h"
#include "enforcer/profile_choice.h"
#include "enforcer/seccomp_compile.h"
#include "repository/compose.h"

namespace vambrace::cli {
namespace {

namespace seccomp = policy::seccomp;

json::Value to_json(seccomp::Outcome outcome) {
  json::Value value = {{"action", seccomp::to_string(outcome.action)}};
  if (outcome.action == seccomp::Action::Errno) {
    value["errno"] = outcome.error;
  }
  return value;
}

json::Value to_json(const attest::ForeignFilter& filter) {
  json::Value calls = json::Value::array();
  for (const seccomp::Difference& difference : filter.differences) {
    calls.push_back({{"text", attest::describe_installed(difference)},
                     {"arch", difference.arch},
                     {"nr", difference.nr},
                     {"args", difference.args},
                     {"installed", to_json(difference.left)},
                     {"bundle", to_json(difference.right)}});
  }
  return {{"tids", filter.tids},
          {"instructions", filter.instructions},
          {"differences", calls}};
}

json::Value to_json(const attest::Attestation& attestation) {
  json::Value findings = json::Value::array();
  for (const attest::Finding& finding : attestation.findings) {
    findings.push_back({{"id", finding.id},
                        {"pid", finding.pid},
                        {"tid", finding.tid},
                        {"thread", json::quote_bytes(finding.thread)},
                        {"message", finding.message}});
  }
  json::Value filters = json::Value::array();
  for (const attest::ForeignFilter& filter : attestation.foreign) {
    filters.push_back(to_json(filter));
  }
  return {{"schema", "vambrace.attestation/v1"},
          {"equal", attestation.equal()},
          {"pid", attestation.pid},
          {"threads", attestation.threads.size()},
          {"filters_read", attestation.filters_read},
          {"findings", findings},
          {"foreign_filters", filters},
          {"unknown", attestation.unknown}};
}

std::string as_text(const attest::Attestation& attestation) {
  constexpr std::size_t kMostLines = 40;
  std::string text;
  for (const attest::Finding& finding : attestation.findings) {
    text += fmt::format("{}/{} {}: {}\n", finding.pid, finding.tid,
                        json::quote_bytes(finding.thread), finding.message);
  }
  for (const attest::ForeignFilter& filter : attestation.foreign) {
    text += fmt::format(
        "{} thread{} ({}{}): another filter, {} instructions; {} calls "
        "differ:\n",
        filter.tids.size(), filter.tids.size() == 1 ? "" : "s",
        filter.tids.front(), filter.tids.size() == 1 ? "" : ", ...",
        filter.instructions, filter.differences.size());
    for (std::size_t i = 0; i < std::min(kMostLines, filter.differences.size());
         ++i) {
      text += "  " + attest::describe_installed(filter.differences[i]) + "\n";
    }
    if (filter.differences.size() > kMostLines) {
      text += fmt::format("  and {} more (--json has all)\n",
                          filter.differences.size() - kMostLines);
    }
  }
  const std::string looked =
      fmt::format("{} threads, {} filters read back",
                  attestation.threads.size(), attestation.filters_read);
  for (const std::string& unknown : attestation.unknown) {
    text += fmt::format("unknown: {}\n", unknown);
  }
  return text + fmt::format("{} ({})\n",
                            attestation.differs() ? "not equal"
                            : attestation.equal()
                                ? "equal: what runs is what the bundle says"
                                : "unknown: what could be read is equal",
                            looked);
}

std::string label_text(const attest::Expectation& expected,
                       const enforcer::ProfileChoice& choice) {
  return choice.on
             ? fmt::format("AppArmor: compared with {} ({})\n",
                           expected.profile, expected.profile_mode)
             : fmt::format("AppArmor: not compared: {}\n", choice.why_not);
}

// What the container was started with, against the bundle's securityContext.
Result<> attest_options(const std::string& container, const Chosen& chosen,
                        attest::Attestation& attestation) {
  TRY_ASSIGN(const attest::ContainerOptions running,
             attest::container_options(container));
  repository::Manifest manifest = chosen.bundle.manifest;
  manifest.target = chosen.dress.target;
  manifest.stage = chosen.dress.stage;
  const auto context =
      repository::security_context(chosen.bundle.policy, manifest,
                                   {chosen.dress.armour.capabilities.begin(),
                                    chosen.dress.armour.capabilities.end()},
                                   chosen.dress.apparmor);
  std::vector<std::string> volumes = manifest.volumes;
  const auto& mounted = chosen.bundle.policy.needs.mounted;
  volumes.insert(volumes.end(), mounted.begin(), mounted.end());
  for (attest::Finding& finding :
       attest::judge_options(running, context, volumes, attestation.unknown)) {
    finding.pid = attestation.pid;
    finding.tid = attestation.pid;
    attestation.findings.push_back(std::move(finding));
  }
  return {};
}

}  // namespace

Result<Exit> attest(Environment& environment, Words words) {
  ChoiceWords choice;
  std::optional<int> pid;
  std::string container;
  bool no_filter = false;
  bool with_options = false;
  bool as_json = false;
  Options options;
  options.number("-p,--pid", "PID", pid,
                 "the first process; its descendants are looked at as well");
  options.value("-c,--container", "NAME", container,
                "a running container of Docker or runc, by name or id");
  declare_choice(options, choice);
  options.flag("--no-filter", no_filter,
               "do not stop threads to read their filters back");
  options.flag("--context", with_options,
               "compare what Docker started it with, too: user, read-only "
               "root, mounts, options");
  options.json(as_json);
  TRY(options.parse(environment, words));
  if (with_options && container.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "--context needs --container")
            .with_hint("only Docker tells what it started a container with"));
  }
  if (pid.has_value() == !container.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "name one of --pid and --container")
            .with_hint("vambrace attest DIR --container web"));
  }

  TRY_ASSIGN(const Chosen chosen, choose(environment, choice));
  const enforcer::Dress& dress = chosen.dress;
  TRY(as_rendered(chosen.bundle, dress));
  attest::Expectation expected{.no_new_privs = dress.armour.no_new_privs};
  for (const std::uint32_t number : dress.armour.capabilities) {
    expected.capabilities |= enforcer::mask_of(number);
  }
  TRY_ASSIGN(const enforcer::ProfileChoice profile,
             enforcer::choose_profile(environment.files, dress));
  if (profile.on) {
    expected.profile = dress.apparmor.profile->name;
    expected.profile_mode =
        dress.apparmor.profile->mode == policy::apparmor::Mode::Enforce
            ? "enforce"
            : "complain";
  }
  seccomp::Program filter;
  if (!no_filter) {
    TRY_ASSIGN(filter, enforcer::compile(dress.profile, dress.target));
  }
  attest::Scope scope{.pid = pid.value_or(0)};
  if (!container.empty()) {
    TRY_ASSIGN(scope, attest::container_scope(container));
  }
  TRY_ASSIGN(attest::Attestation attestation,
             attest::attest(scope, expected, no_filter ? nullptr : &filter));
  if (with_options) {
    TRY(attest_options(container, chosen, attestation));
  }
  json::Value document = to_json(attestation);
  document["apparmor"] = {{"profile", expected.profile},
                          {"not_compared", profile.why_not}};
  environment.output.out(as_json ? json::print(document)
                                 : label_text(expected, profile) +
                                       as_text(attestation));
  if (attestation.differs()) {
    return Exit::Findings;
  }
  return attestation.equal() ? Exit::Clean : Exit::Environment;
}

}  // namespace vambrace::cli
