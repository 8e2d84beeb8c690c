#include "policy/explain.h"

#include "base/json.h"
#include "cli/bundle_words.h"
#include "cli/commands.h"
#include "cli/context_words.h"
#include "cli/enforcement.h"
#include "cli/options.h"
#include "evidence/time.h"
#include "policy/apparmor/render.h"
#include "policy/explain_decisions.h"
#include "policy/json.h"
#include "repository/compose.h"

namespace vambrace::cli {
namespace {

using policy::Answer;
using policy::Permission;

std::string phases_text(const evidence::Share& share) {
  std::string text;
  for (const auto& [phase, count] : share.phases) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                        json::quote_bytes(phase), count);
  }
  return text;
}

std::string use_text(const policy::Use& use) {
  std::string text =
      fmt::format("    {:.8} {} to {}: {}, {} times", use.recording,
                  evidence::format_time(use.share.first),
                  evidence::format_time(use.share.last),
                  process_text(use.process), use.share.count);
  if (const std::string phases = phases_text(use.share); !phases.empty()) {
    text += fmt::format(" ({})", phases);
  }
  if (use.share.denied > 0) {
    text += fmt::format(", {} refused", use.share.denied);
  }
  return text + "\n" +
         (use.detail.empty() ? "" : fmt::format("      {}\n", use.detail));
}

// The first few of many uses tell what it is for; the rest is asked for.
constexpr std::size_t kUsesShown = 5;

std::string text_of(const Answer& answer, bool all) {
  std::string text =
      fmt::format("{}: {}", answer.what, policy::to_string(answer.permission));
  if (answer.permission == Permission::Depends) {
    text += " on " + answer.depends_on;
  }
  if (answer.otherwise && answer.permission == Permission::Refused) {
    text += fmt::format(", {}", outcome_text(*answer.otherwise));
  }
  text += "\n";
  if (answer.permission == Permission::Depends) {
    for (const std::string& when : answer.when) {
      text += fmt::format("  allowed if {}\n", when);
    }
    if (answer.otherwise) {
      text += fmt::format("  otherwise {}\n", outcome_text(*answer.otherwise));
    }
  }
  const bool other =
      answer.permission == Permission::Refused && !answer.when.empty();
  for (const policy::Reason& reason : answer.reasons) {
    text += fmt::format("  {}because {}\n", other ? "other arguments " : "",
                        policy::describe(reason));
  }
  if (answer.runtime_layer) {
    text +=
        "  because the runtime calls it when it starts or enters a container\n";
  }
  for (const std::string& note : answer.notes) {
    text += fmt::format("  note: {}\n", note);
  }
  if (!answer.uses.empty()) {
    text += "  in the evidence:\n";
  }
  const std::size_t shown =
      all ? answer.uses.size() : std::min(kUsesShown, answer.uses.size());
  for (std::size_t i = 0; i < shown; ++i) {
    text += use_text(answer.uses[i]);
  }
  if (shown < answer.uses.size()) {
    text += fmt::format("    ... and {} more; see them with --all\n",
                        answer.uses.size() - shown);
  }
  return text;
}

json::Value json_of(const policy::Use& use) {
  json::Value phases = json::Value::object();
  for (const auto& [phase, count] : use.share.phases) {
    phases[json::quote_bytes(phase)] = count;
  }
  return {{"recording", use.recording},
          {"exe", json::quote_bytes(use.process.exe)},
          {"script", json::quote_bytes(use.process.script)},
          {"origin", std::string(evidence::to_string(use.process.origin))},
          {"detail", use.detail},
          {"count", use.share.count},
          {"denied", use.share.denied},
          {"phases", phases},
          {"first", evidence::format_time(use.share.first)},
          {"last", evidence::format_time(use.share.last)}};
}

json::Value json_of(const Answer& answer) {
  json::Value out = {
      {"what", answer.what},
      {"permission", std::string(policy::to_string(answer.permission))},
      {"when", answer.when},
      {"runtime_layer", answer.runtime_layer},
      {"notes", answer.notes},
      {"reasons", json::Value::array()},
      {"uses", json::Value::array()}};
  if (answer.otherwise) {
    out["otherwise"] = policy::seccomp::to_string(*answer.otherwise);
  }
  for (const policy::Reason& reason : answer.reasons) {
    out["reasons"].push_back(policy::to_json(reason));
  }
  for (const policy::Use& use : answer.uses) {
    out["uses"].push_back(json_of(use));
  }
  return out;
}

// What is said of a bundle whose files were edited: the answers are of what
// nobody uses, or of what nobody reviewed.
struct EditedNotes {
  std::vector<std::string> notes;
  std::string hint;

  std::string text() const {
    std::string out;
    for (const std::string& note : notes) {
      out += fmt::format("note: {}\n  {}\n", note, hint);
    }
    return out;
  }
};

Result<EditedNotes> notes_on(Environment& environment,
                             const std::string& directory,
                             const Loaded& bundle) {
  TRY_ASSIGN(
      const std::vector<std::string> edited,
      repository::edited_layers(
          bundle, evidence::format_time(environment.now()).substr(0, 10)));
  return EditedNotes{.notes = edited_notes(directory, edited),
                     .hint = edited_hint(bundle)};
}

Result<> explain_container(Environment& environment,
                           const std::string& directory, const Loaded& bundle,
                           bool as_json) {
  TRY_ASSIGN(const policy::apparmor::Rendered apparmor,
             during(directory, policy::apparmor::render(
                                   bundle.policy, bundle.manifest.target,
                                   bundle.manifest.stage, bundle.granted)));
  const auto context = repository::security_context(
      bundle.policy, bundle.manifest, bundle.granted, apparmor);
  json::Value container = context_json(context);
  container["needs"] = policy::to_json(bundle.policy.needs);
  TRY_ASSIGN(const EditedNotes edited,
             notes_on(environment, directory, bundle));
  environment.output.out(
      as_json ? json::print({{"schema", "vambrace.explain/v1"},
                             {"bundle", json::quote_bytes(directory)},
                             {"container", container},
                             {"findings", edited.notes}})
              : context_text(context, bundle.policy.needs) + edited.text());
  return {};
}

}  // namespace

Result<Exit> explain(Environment& environment, Words words) {
  std::string directory;
  std::vector<std::string> what;
  bool all = false;
  bool as_json = false;
  Options options;
  options.word("DIR", directory, "the bundle folder");
  options.words("WHAT", what,
                "a call with or without values, a path with or without access, "
                "a capability, or \"container\"",
                1);
  options.flag("--all", all, "every use in the evidence, not the first few");
  options.json(as_json);
  TRY(options.parse(environment, words));

  if (what == std::vector<std::string>{"container"}) {
    TRY_ASSIGN(const Loaded bundle, load(environment.files, directory));
    TRY(explain_container(environment, directory, bundle, as_json));
    return Exit::Clean;
  }
  TRY_ASSIGN(const policy::Question question, policy::parse_question(what));
  TRY_ASSIGN(const Loaded bundle, load(environment.files, directory));
  TRY_ASSIGN(const auto local,
             repository::load_local_layer(environment.files, directory,
                                          bundle.manifest.target));
  evidence::Evidence evidence;
  auto found = repository::load_bundle_evidence(environment.files, directory);
  if (found) {
    evidence = std::move(*found);
  } else if (found.error().code() != ErrorCode::NotFound) {
    return std::unexpected(std::move(found.error()));
  }
  TRY_ASSIGN(std::vector<Answer> answers,
             during(directory,
                    policy::explain(
                        question, bundle.rendering(),
                        local ? *local
                              : runtime::runtime_layer(bundle.manifest.target),
                        evidence)));
  const std::vector<std::string> said = policy::said_about(
      question, bundle.manifest.decisions, bundle.manifest.waivers,
      evidence::format_time(environment.now()).substr(0, 10));
  for (Answer& answer : answers) {
    answer.notes.insert(answer.notes.end(), said.begin(), said.end());
  }
  TRY_ASSIGN(const EditedNotes edited,
             notes_on(environment, directory, bundle));
  std::string text;
  json::Value list = json::Value::array();
  for (const Answer& answer : answers) {
    text += text_of(answer, all);
    list.push_back(json_of(answer));
  }
  environment.output.out(
      as_json ? json::print({{"schema", "vambrace.explain/v1"},
                             {"bundle", json::quote_bytes(directory)},
                             {"answers", list},
                             {"findings", edited.notes}})
              : text + edited.text());
  return Exit::Clean;
}

}  // namespace vambrace::cli
