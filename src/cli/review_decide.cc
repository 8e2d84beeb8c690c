#include <algorithm>

#include "attest/command_output.h"
#include "base/json.h"
#include "cli/review_words.h"
#include "evidence/time.h"
#include "policy/file_decisions.h"
#include "repository/bundle.h"
#include "review/days.h"

namespace vambrace::cli {
namespace {

// "Ann Example <ann@example.org>", as git signs commits.
Result<std::string> git_name(const std::string& directory) {
  const auto value = [&](const std::string& key) {
    auto text = attest::command_output({"git", "-C", directory, "config", key});
    while (text && text->ends_with('\n')) {
      text->pop_back();
    }
    return text.value_or("");
  };
  const std::string name = value("user.name");
  const std::string email = value("user.email");
  if (name.empty() && email.empty()) {
    return std::unexpected(Error(ErrorCode::InvalidInput,
                                 "a decision needs a name, and git knows none")
                               .with_hint("say who decides with --as NAME"));
  }
  return email.empty()  ? name
         : name.empty() ? email
                        : fmt::format("{} <{}>", name, email);
}

bool is_same(const std::string& one, const policy::Subject& other) {
  const auto subject = policy::parse_subject(one);
  return subject && *subject == other;
}

Result<> check_words(const DecisionWords& words, const std::string& today) {
  const bool waive = words.choice == "waive";
  const bool forget = words.choice == "forget";
  if (!forget && words.why.value_or("").empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "a decision needs a reason")
            .with_hint("tell it with --why REASON"));
  }
  if (waive != words.until.has_value()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              waive ? "a waiver needs a last day" : "only a waiver ends")
            .with_hint(waive ? "tell it with --until 2027-03-31"
                             : "leave --until out, or waive it"));
  }
  if (!waive) {
    return {};
  }
  if (words.until->size() != 10 || !review::day_number(*words.until)) {
    return fail(ErrorCode::InvalidInput,
                "--until: \"{}\" is no day such as 2027-03-31",
                json::quote_bytes(*words.until));
  }
  if (*words.until < today) {
    return fail(ErrorCode::InvalidInput, "--until: {} has passed",
                *words.until);
  }
  return {};
}

// The manifest with the decision in the place of those about the same thing.
Result<repository::Manifest> with_decision(repository::Manifest manifest,
                                           const DecisionWords& words,
                                           const std::string& who) {
  TRY_ASSIGN(const policy::Subject subject, policy::parse_subject(words.what));
  const auto same = [&](const auto& one) { return is_same(one.what, subject); };
  std::size_t before = 0;
  if (words.choice != "waive") {
    before += std::erase_if(manifest.decisions, same);
  }
  if (words.choice == "waive" || words.choice == "forget") {
    before += std::erase_if(manifest.waivers, same);
  }
  if (words.choice == "waive") {
    manifest.waivers.push_back({words.what, who, *words.why, *words.until});
  } else if (words.choice != "forget") {
    manifest.decisions.push_back({words.what, words.choice, who, *words.why});
  } else if (before == 0) {
    return fail(ErrorCode::InvalidInput, "nothing was decided about \"{}\"",
                json::quote_bytes(words.what));
  }
  return manifest;
}

}  // namespace

Result<> write_decision(Environment& environment, const std::string& directory,
                        const DecisionWords& words) {
  const std::string today =
      evidence::format_time(environment.now()).substr(0, 10);
  TRY_ASSIGN(const policy::Subject subject, policy::parse_subject(words.what));
  // What synthesis refuses is not written down.
  if (words.choice != "waive" && words.choice != "forget") {
    TRY(policy::check_decision(subject, words.choice));
  }
  TRY(check_words(words, today));
  const std::string path = directory + "/bundle.yaml";
  TRY_ASSIGN(const repository::Manifest manifest,
             repository::load_manifest(environment.files, directory));
  std::string who = words.who.value_or("");
  if (who.empty() && words.choice != "forget") {
    TRY_ASSIGN(who, git_name(directory));
  }
  TRY_ASSIGN(const repository::Manifest wanted,
             during(path, with_decision(manifest, words, who)));
  TRY_ASSIGN(const std::string yaml, environment.files.read(path));
  TRY_ASSIGN(const std::string edited,
             during(path, repository::edit_manifest(yaml, wanted)));
  TRY(repository::write_bundle(environment.files, directory,
                               {{"bundle.yaml", edited}}));
  environment.output.out(
      fmt::format("{}: {} \"{}\"{}{}\nnext: vambrace synth -o {}\n", path,
                  words.choice, json::quote_bytes(words.what),
                  who.empty() ? "" : " by " + json::quote_bytes(who),
                  words.until ? " until " + *words.until : "", directory));
  return {};
}

}  // namespace vambrace::cli
