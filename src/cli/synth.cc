#include <algorithm>
#include <chrono>

#include "base/json.h"
#include "cli/bundle_abstractions.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/context_words.h"
#include "cli/evidence_files.h"
#include "cli/local_layer.h"
#include "cli/options.h"
#include "evidence/gaps.h"
#include "evidence/identity.h"
#include "evidence/json.h"
#include "evidence/merge.h"
#include "kernel/capabilities.h"
#include "policy/closure.h"
#include "policy/json.h"
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

struct Input {
  evidence::Evidence merged;
  std::map<std::string, std::string> copies;  // evidence/ID.json
  std::vector<std::string> unused;            // in the folder, not given
  // What a synth that was killed did not put there, and this one was not given.
  std::vector<std::string> lost;
};

std::string copy_name(const evidence::Evidence& one) {
  const std::size_t more = one.recordings.size() - 1;
  return fmt::format("evidence/{}{}.json", one.recordings.front().id,
                     more == 0 ? "" : fmt::format("-and-{}", more));
}

// The evidence files of the bundle, named relative to its folder.
Result<std::vector<std::string>> kept_evidence(const Files& files,
                                               const std::string& directory) {
  std::vector<std::string> kept;
  if (files.is_directory(directory + "/evidence")) {
    TRY_ASSIGN(const auto names, files.list(directory + "/evidence"));
    for (const std::string& name : names) {
      if (name.ends_with(".json") && !name.starts_with('.')) {
        kept.push_back("evidence/" + name);
      }
    }
  }
  return kept;
}

// Of files with the same recordings one copy, of what is in any of them.
Result<> keep_copy(std::map<std::string, std::string>& copies,
                   const std::string& path, const evidence::Evidence& one) {
  std::string text = evidence::print(one);
  const auto [kept, fresh] = copies.try_emplace(copy_name(one), text);
  if (fresh || kept->second == text) {
    return {};
  }
  TRY_ASSIGN(evidence::Evidence other,
             during(path, evidence::parse(kept->second)));
  TRY_ASSIGN(const evidence::Evidence both,
             during(path, evidence::merge(std::move(other), one)));
  kept->second = evidence::print(both);
  return {};
}

// The evidence of these files, and what the bundle keeps of it.
Result<Input> read_all(const Files& files,
                       const std::vector<std::string>& paths) {
  Input input;
  TRY_ASSIGN(
      input.merged,
      evidence::merge_all(
          paths, [&](const std::string& path) -> Result<evidence::Evidence> {
            TRY_ASSIGN(evidence::Evidence one, read_evidence(files, path));
            if (one.recordings.empty()) {
              return fail(ErrorCode::InvalidInput, "{}: no recording in it",
                          path);
            }
            TRY(keep_copy(input.copies, path, one));
            return one;
          }));
  return input;
}

// What the words name; without words, what the bundle holds.
Result<Input> read_input(const Files& files, const Request& request) {
  TRY_ASSIGN(const std::vector<std::string> kept,
             kept_evidence(files, request.output));
  std::vector<std::string> paths = request.files;
  if (paths.empty()) {
    for (const std::string& name : kept) {
      paths.push_back(request.output + "/" + name);
    }
  }
  if (paths.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "no evidence given")
            .with_hint("make some with: vambrace record -o FILE -- COMMAND"));
  }
  TRY_ASSIGN(Input input, read_all(files, paths));
  for (const std::string& name :
       repository::unfinished_files(files, request.output)) {
    if (request.files.empty() && name.starts_with("evidence/")) {
      input.lost.push_back(name);
    }
  }
  if (!evidence::has_application(input.merged)) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{}: nothing was seen of the workload itself; a "
                          "policy from it would deny everything",
                          fmt::join(paths, ", ")))
            .with_hint("record again, and name the program or container that "
                       "is the workload: vambrace record --workload NAME -- "
                       "COMMAND"));
  }
  for (const std::string& name : kept) {
    const std::string path = request.output + "/" + name;
    if (input.copies.contains(name) ||
        std::ranges::find(paths, path) != paths.end()) {
      continue;
    }
    // A bundle whose evidence does not fit together could not be replayed.
    TRY_ASSIGN(const evidence::Evidence other, read_evidence(files, path));
    if (auto fits = evidence::merge(input.merged, other); !fits) {
      return std::unexpected(
          std::move(fits.error())
              .during(path)
              .with_hint("make another bundle with -o, or remove that file"));
    }
    input.unused.push_back(name);
  }
  return input;
}

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

std::size_t rules_with_arguments(const policy::Policy& policy) {
  return static_cast<std::size_t>(std::ranges::count_if(
      policy.syscalls, [](const auto& rule) { return !rule.args.empty(); }));
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
                                          const Input& input,
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

std::size_t table_size(const policy::Policy& policy) {
  std::size_t size = 0;
  for (const kernel::Arch arch : policy.arches) {
    size += kernel::syscall_numbers(arch).size();
  }
  return size;
}

std::string names(const std::set<std::uint32_t>& capabilities) {
  std::string text;
  for (const std::uint32_t number : capabilities) {
    text += (text.empty() ? "" : ", ") +
            std::string(*kernel::capability_name(number));
  }
  return text.empty() ? "none" : text;
}

// How many rules each kind of generalization is in.
std::map<std::string, std::size_t> widened(const policy::Policy& policy) {
  std::map<std::string, std::size_t> kinds;
  for (const policy::FileRule& rule : policy.files) {
    std::set<std::string> of_rule;
    for (const policy::Widening& widening : rule.widened) {
      of_rule.insert(widening.kind);
    }
    for (const std::string& kind : of_rule) {
      ++kinds[kind];
    }
  }
  return kinds;
}

std::string apparmor_line(const repository::Composition& made) {
  if (!made.apparmor.profile) {
    return "none: no file is in the evidence";
  }
  std::string text =
      fmt::format("{}: {}", made.apparmor.profile->name,
                  counted(made.policy.files.size(), "file rule"));
  const auto kinds = widened(made.policy);
  for (const auto& [kind, rules] : kinds) {
    text += fmt::format(
        "{}{} {}",
        kind == kinds.begin()->first ? ", wider than what was seen: " : ", ",
        kind, rules);
  }
  const auto& included = made.apparmor.included;
  return included.empty() ? text
                          : fmt::format("{}; some by include of {}", text,
                                        fmt::join(included, ", "));
}

// What a command says at its end.
struct Outcome {
  const Request& request;
  const repository::Manifest& manifest;
  const repository::Composition& made;
  std::vector<policy::Finding> findings;
  std::vector<std::string> written;
  std::string layer;  // the local calibration that was used, if one was
};

std::string evidence_line(const policy::Policy& policy) {
  const std::string state(evidence::to_string(policy.evidence_state));
  if (policy.evidence_state == evidence::State::Complete) {
    return state;
  }
  return fmt::format("{} ({}): calls may be missing", state,
                     fmt::join(policy.gaps, ", "));
}

// What a container needs beside the profile, so that it starts at all: with
// another no_new_privs the runtime makes other calls under the filter.
std::string start_line(const Outcome& outcome) {
  const runtime::Target& target = outcome.manifest.target;
  const bool podman = target.engine == runtime::Engine::Podman;
  if (!podman && target.engine != runtime::Engine::Docker) {
    return "";
  }
  std::string text = fmt::format(
      "  start with    {} run --security-opt seccomp={}/seccomp.json",
      podman ? "podman" : "docker", outcome.request.output);
  if (target.no_new_privs) {
    text += " --security-opt no-new-privileges";
  }
  const std::string& profile = outcome.made.context.apparmor;
  if (!profile.empty()) {
    text += fmt::format(" --security-opt apparmor={}", profile);
  }
  text += " --cap-drop ALL";
  for (const std::uint32_t number : outcome.made.capabilities.add) {
    text += fmt::format(" --cap-add {}",
                        kernel::capability_name(number)->substr(4));
  }
  text += " ...\n";
  if (!profile.empty()) {
    text += fmt::format("    once loaded   vambrace apparmor load {}\n",
                        outcome.request.output);
  }
  return text;
}

// All names, but of evidence the number where there are many.
std::string files_text(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 4;
  std::vector<std::string> evidence;
  std::vector<std::string> others;
  for (const std::string& name : names) {
    (name.starts_with("evidence/") ? evidence : others).push_back(name);
  }
  if (evidence.size() <= kNamed) {
    return fmt::format("{}", fmt::join(names, ", "));
  }
  others.push_back(fmt::format("{} in evidence/", evidence.size()));
  return fmt::format("{}", fmt::join(others, ", "));
}

std::string text_of(const Outcome& outcome) {
  const auto& [request, manifest, made, findings, written, layer] = outcome;
  std::string text = fmt::format(
      "{}: {} at stage {} for {}\n"
      "  system calls  {} of {} in the kernel's table{}, {} with argument "
      "rules\n"
      "  capabilities  {}\n",
      request.output, json::quote_bytes(manifest.workload.id),
      policy::to_string(manifest.stage), manifest.target.name,
      made.policy.syscalls.size(), table_size(made.policy),
      made.policy.arches.size() == 1 ? "" : "s",
      rules_with_arguments(made.policy), names(made.capabilities.add));
  text += fmt::format("  apparmor      {}\n", apparmor_line(made));
  if (!made.capabilities.refused.empty()) {
    text += fmt::format("  refused       {} (each needs a waiver)\n",
                        names(made.capabilities.refused));
  }
  text += fmt::format("  container     {}\n", context_line(made.context));
  text += fmt::format("  evidence      {}\n", evidence_line(made.policy));
  for (const std::string& gap : made.policy.gaps) {
    text += fmt::format("                {}: {}\n", gap, evidence::advice(gap));
  }
  if (!layer.empty()) {
    text += fmt::format("  runtime       calls as calibrated in {}\n",
                        json::quote_bytes(layer));
  }
  text += fmt::format(
      "  files         {}\n",
      written.empty()
          ? "unchanged"
          : fmt::format("{} written: {}", written.size(), files_text(written)));
  text += fmt::format("  findings      {}\n", findings.size());
  for (const policy::Finding& finding : findings) {
    text += fmt::format("    {}: {}: {}\n", finding.severity, finding.place,
                        finding.message);
    if (!finding.hint.empty()) {
      text += fmt::format("      {}\n", finding.hint);
    }
  }
  text += start_line(outcome);
  text += fmt::format("next: vambrace replay {}\n", request.output);
  return text;
}

json::Value json_of(const Outcome& outcome) {
  const auto& [request, manifest, made, findings, written, layer] = outcome;
  json::Value remarks = json::Value::array();
  for (const policy::Finding& finding : findings) {
    remarks.push_back(policy::to_json(finding));
  }
  const auto list = [](const std::set<std::uint32_t>& capabilities) {
    json::Value names = json::Value::array();
    for (const std::uint32_t number : capabilities) {
      names.push_back(std::string(*kernel::capability_name(number)));
    }
    return names;
  };
  return {
      {"schema", "vambrace.synth/v1"},
      {"bundle", json::quote_bytes(request.output)},
      {"target", manifest.target.name},
      {"stage", std::string(policy::to_string(manifest.stage))},
      {"evidence",
       {{"state", std::string(evidence::to_string(made.policy.evidence_state))},
        {"gaps", made.policy.gaps}}},
      {"syscalls", made.policy.syscalls.size()},
      {"kernel_syscalls", table_size(made.policy)},
      {"with_arguments", rules_with_arguments(made.policy)},
      {"capabilities", list(made.capabilities.add)},
      {"capabilities_refused", list(made.capabilities.refused)},
      {"apparmor",
       {{"profile", made.apparmor.profile
                        ? json::Value(made.apparmor.profile->name)
                        : json::Value()},
        {"file_rules", made.policy.files.size()},
        {"included", made.apparmor.included},
        {"widened", widened(made.policy)}}},
      {"layer", json::quote_bytes(layer)},
      {"container", context_json(made.context)},
      {"findings", remarks},
      {"written", written},
  };
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
                              const Input& input) {
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

  TRY_ASSIGN(Input input, read_input(environment.files, request));
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
  const Outcome outcome{
      request,
      wanted.manifest,
      made,
      all_findings(made, input, wanted.manifest, local, abstractions, day),
      written,
      local.from};
  environment.output.out(request.json ? json::print(json_of(outcome))
                                      : text_of(outcome));
  return Exit::Clean;
}

}  // namespace vambrace::cli
