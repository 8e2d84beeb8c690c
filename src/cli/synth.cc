#include <algorithm>
#include <chrono>

#include "base/json.h"
#include "cli/bundle_abstractions.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/local_layer.h"
#include "cli/options.h"
#include "cli/synth_input.h"
#include "cli/synth_words.h"
#include "evidence/identity.h"
#include "policy/closure.h"
#include "repository/compose.h"
#include "review/days.h"

namespace vambrace::cli {
namespace {

struct Request {
  std::vector<std::string> files;
  std::string output;
  std::string target;  // empty: as bundle.yaml says
  std::string stage;
  std::optional<std::string> id;
  std::optional<std::string> owner;
  std::vector<std::string> resilient;
  std::vector<std::string> arches;
  std::optional<std::string> layer;
  std::optional<std::string> abstractions;
  bool heal = false;
  bool comments = false;
  bool json = false;
};

Result<> apply_identity(repository::Manifest& manifest, const Request& request,
                        bool fresh) {
  evidence::Workload wanted = manifest.workload;
  wanted.id = request.id.value_or(wanted.id);
  wanted.owner = request.owner.value_or(wanted.owner);
  if (!fresh && wanted != manifest.workload) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{}/bundle.yaml already names the workload or its "
                          "owner",
                          request.output))
            .with_hint("change them there, then run synth again"));
  }
  manifest.workload = std::move(wanted);
  return {};
}

// bundle.yaml, as this run wants it.
struct Intent {
  repository::Manifest manifest;
  std::string yaml;
  std::optional<std::string> read;  // the file as it was; none: there was none
};

// The options that were given now are written into bundle.yaml, so that it
// never says other than what was rendered.
Result<Intent> wanted_manifest(const Environment& environment,
                               const Request& request,
                               const evidence::Evidence& evidence) {
  const std::string path = request.output + "/bundle.yaml";
  const bool fresh = !environment.files.exists(path);
  Intent wanted;
  if (fresh) {
    wanted.manifest = repository::manifest_for(
        evidence, *runtime::target_named("docker"), policy::Stage::Harden);
  } else {
    TRY_ASSIGN(wanted.yaml, read_regular(environment.files, path));
    wanted.read = wanted.yaml;
    TRY_ASSIGN(wanted.manifest,
               during(path, repository::parse_manifest(wanted.yaml)));
  }
  repository::Manifest& manifest = wanted.manifest;
  TRY(apply_identity(manifest, request, fresh));
  if (!request.target.empty() && request.target != manifest.target.name) {
    const auto apparmor = manifest.target.apparmor;
    manifest.target = *runtime::target_named(request.target);
    manifest.target.apparmor = apparmor;  // about the hosts
  }
  if (!request.stage.empty()) {
    manifest.stage = *policy::stage_from(request.stage);
  }
  for (const auto& [word, values] : {std::pair{"resilient", &request.resilient},
                                     std::pair{"arch", &request.arches}}) {
    for (const std::string& value : *values) {
      const std::string closure = fmt::format("{} {}", word, value);
      if (std::ranges::find(manifest.closures, closure) ==
          manifest.closures.end()) {
        manifest.closures.push_back(closure);
      }
    }
  }
  TRY(policy::parse_closures(manifest.closures));
  if (fresh) {
    wanted.yaml = repository::print_manifest(manifest);
  } else {
    TRY_ASSIGN(wanted.yaml,
               during(path, repository::edit_manifest(wanted.yaml, manifest)));
  }
  return wanted;
}

// bundle.yaml names what was found to fit.
Result<> name_included(Intent& wanted, const repository::Composition& made) {
  const auto& included = made.apparmor.included;
  wanted.manifest.abstractions = {included.begin(), included.end()};
  TRY_ASSIGN(wanted.yaml,
             during("bundle.yaml",
                    repository::edit_manifest(wanted.yaml, wanted.manifest)));
  return {};
}

// Nobody decided while the policy was made: what they wrote would be lost.
Result<> check_unchanged(const Files& files, const std::string& folder,
                         const Intent& wanted) {
  const std::string path = folder + "/bundle.yaml";
  if (!wanted.read && !files.exists(path)) {
    return {};
  }
  TRY_ASSIGN(const std::string now, read_regular(files, path));
  if (wanted.read && now == *wanted.read) {
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::Unavailable,
            fmt::format("{}: was changed while the policy was made", path))
          .with_hint("run synth again; nothing was written"));
}

// What review says of a risk that somebody kept, the last decision about it
// counting.
void answer(policy::Finding& finding,
            const std::vector<policy::Decision>& decisions) {
  const policy::Decision* last = nullptr;
  for (const policy::Decision& one : decisions) {
    const auto subject = policy::parse_subject(one.what);
    const auto* call =
        subject ? std::get_if<policy::SyscallSubject>(&*subject) : nullptr;
    if (call != nullptr && finding.id == "dangerous-syscall" &&
        finding.place == "seccomp: " + call->name) {
      last = &one;
    }
  }
  if (last != nullptr && last->choice == "keep" && finding.severity != "info") {
    finding.severity = "low";
    finding.message +=
        fmt::format("; keep by {}: {}", json::quote_bytes(last->who),
                    json::quote_bytes(last->why));
    finding.hint.clear();
  }
}

std::vector<policy::Finding> all_findings(const repository::Composition& made,
                                          const SynthInput& input,
                                          const repository::Manifest& manifest,
                                          const LocalLayer& local,
                                          const BundleAbstractions& included,
                                          std::string_view day) {
  std::vector<policy::Finding> all = made.policy.findings;
  for (policy::Finding& finding : all) {
    answer(finding, manifest.decisions);
  }
  all.insert(all.end(), local.findings.begin(), local.findings.end());
  all.insert(all.end(), made.seccomp.findings.begin(),
             made.seccomp.findings.end());
  all.insert(all.end(), made.context.findings.begin(),
             made.context.findings.end());
  all.insert(all.end(), made.apparmor.findings.begin(),
             made.apparmor.findings.end());
  std::ranges::copy(about(included, made.apparmor), std::back_inserter(all));
  std::ranges::copy(review::waiver_findings(review::waiver_states(
                        manifest.waivers, review::day_number(day).value_or(0))),
                    std::back_inserter(all));
  for (const std::string& name : input.unused) {
    all.push_back({"evidence-unused", "low", json::quote_bytes(name),
                   "lies in the bundle and was not given now; replay judges "
                   "the policy against it",
                   "give it too, or remove it"});
  }
  if (!input.lost.empty()) {
    all.push_back({"evidence-interrupted", "medium",
                   json::quote_bytes(input.lost[0]),
                   fmt::format("synth was interrupted before {} in the bundle: "
                               "recordings that it was given may be missing",
                               counted(input.lost.size(), "evidence file") +
                                   (input.lost.size() == 1 ? " was" : " were")),
                   "give synth the evidence files again"});
  }
  return all;
}

std::string day_of(evidence::Instant now) {
  const std::chrono::year_month_day day{
      std::chrono::floor<std::chrono::days>(now)};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

// One entry at the end; the file is never rewritten.
Result<std::string> changelog(const Environment& environment,
                              const Request& request, const std::string& day,
                              const std::vector<std::string>& changed,
                              const SynthInput& input) {
  const std::string path = request.output + "/CHANGELOG.md";
  std::string text = "# Changes\n";
  if (environment.files.exists(path)) {
    TRY_ASSIGN(text, read_regular(environment.files, path));
  }
  const auto user = environment.variables.find("USER");
  text += fmt::format("\n## {}\n\n{} ran synth{} on {}; changed: {}.\n", day,
                      user == environment.variables.end()
                          ? std::string("someone")
                          : json::quote_bytes(user->second),
                      request.heal ? " --heal" : "",
                      counted(input.merged.recordings.size(), "recording"),
                      fmt::join(changed, ", "));
  return text;
}

}  // namespace

Result<Exit> synth(Environment& environment, Words words) {
  Request request;
  Options options;
  options.words("EVIDENCE", request.files,
                "evidence files; none: those that the bundle holds");
  options.value("-o,--output", "DIR", request.output, "the bundle folder");
  options.choice("--target", runtime::target_names(), request.target,
                 "what the bundle is for (a new one: docker)");
  options.choice("--stage", {"observe", "allow", "harden"}, request.stage,
                 "how strict it is (a new one: harden)");
  options.value("--id", "ID", request.id,
                "the workload's name, for a new bundle");
  options.value("--owner", "OWNER", request.owner,
                "who answers for it, for a new bundle");
  options.values("--resilient", "KIND", request.resilient,
                 "also grant what another libc would use: libc");
  options.values("--arch", "ARCH", request.arches,
                 "also translate the rules to an architecture: aarch64");
  options.flag("--heal", request.heal, "turn refused attempts into rules");
  options.flag("--comments", request.comments,
               "reasons and examples before each rule of apparmor.profile");
  options.value("--layer", "FILE", request.layer,
                "a calibration of the runtime; kept in the bundle");
  options.value("--abstractions", "FOLDER", request.abstractions,
                "include what fits of the hosts' abstractions, as in "
                "/etc/apparmor.d");
  options.json(request.json);
  TRY(options.parse(environment, words));
  if (request.output.empty()) {
    return std::unexpected(Error(ErrorCode::InvalidInput, "no bundle folder")
                               .with_hint("say where with -o DIR"));
  }

  if (request.id) {
    TRY(during("--id", evidence::check_identity(*request.id)));
  }
  while (request.output.size() > 1 && request.output.ends_with('/')) {
    request.output.pop_back();
  }

  TRY_ASSIGN(SynthInput input,
             read_input(environment.files, request.files, request.output));
  TRY_ASSIGN(Intent wanted,
             wanted_manifest(environment, request, input.merged));
  TRY_ASSIGN(const LocalLayer local,
             local_layer(environment, request.output, request.layer,
                         wanted.manifest.target));
  TRY_ASSIGN(const BundleAbstractions abstractions,
             bundle_abstractions(environment, request.output,
                                 request.abstractions, wanted.manifest));
  const std::string day = day_of(environment.now());
  TRY_ASSIGN(
      const repository::Composition made,
      repository::compose(input.merged, wanted.manifest,
                          {.heal = request.heal,
                           .day = day,
                           .layer = local.layer ? &*local.layer : nullptr,
                           .comments = request.comments,
                           .abstractions = abstractions.all,
                           .choose = abstractions.folder.has_value()}));
  if (abstractions.folder) {
    TRY(name_included(wanted, made));
  }

  std::map<std::string, std::string> contents = made.contents;
  contents.merge(input.copies);
  contents.insert(local.copies.begin(), local.copies.end());
  contents["bundle.yaml"] = wanted.yaml;
  HeldFolder held{.fd = {}, .alone = true};
  if (environment.hold) {
    TRY_ASSIGN(held, environment.hold(request.output));
  }
  TRY(check_unchanged(environment.files, request.output, wanted));
  const std::vector<std::string> changed =
      repository::changed_files(environment.files, request.output, contents);
  if (!changed.empty()) {
    TRY_ASSIGN(contents["CHANGELOG.md"],
               changelog(environment, request, day, changed, input));
  }
  TRY_ASSIGN(const std::vector<std::string> written,
             repository::write_bundle(environment.files, request.output,
                                      std::move(contents)));
  if (held.alone) {
    repository::remove_unfinished(environment.files, request.output);
  }
  const SynthOutcome outcome{
      request.output,
      wanted.manifest,
      made,
      all_findings(made, input, wanted.manifest, local, abstractions, day),
      written,
      local.from};
  environment.output.out(request.json ? json::print(synth_json(outcome))
                                      : synth_text(outcome));
  return Exit::Clean;
}

}  // namespace vambrace::cli
