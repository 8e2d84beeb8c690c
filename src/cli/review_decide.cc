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

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Result<> check_words(const DecisionWords& words, const std::string& today) {
  const bool waive = words.choice == "waive";
  const bool forget = words.choice == "forget";
  std::vector<std::string> texts = words.what;
  texts.insert(texts.end(), {words.why.value_or(""), words.who.value_or("")});
  for (const std::string& text : texts) {
    if (!json::is_utf8(text)) {
      return std::unexpected(
          Error(ErrorCode::InvalidInput,
                fmt::format("\"{}\" is not UTF-8", json::quote_bytes(text)))
              .with_hint("bundle.yaml holds text: write a path's other bytes "
                         "as AppArmor does, \\ and three octal digits"));
    }
  }
  if (words.who && is_blank(*words.who)) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "--as: a decision needs a name")
            .with_hint("say who decides with --as NAME"));
  }
  if (!forget && is_blank(words.why.value_or(""))) {
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
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("--until: \"{}\" is no day of the calendar",
                          json::quote_bytes(*words.until)))
            .with_hint("write it as 2027-03-31"));
  }
  if (*words.until < today) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("--until: {} has passed", *words.until))
            .with_hint(fmt::format("today is {}", today)));
  }
  return {};
}

// What synthesis refuses is not written down.
Result<> check_subjects(const DecisionWords& words) {
  for (const std::string& what : words.what) {
    TRY_ASSIGN(const policy::Subject subject, policy::parse_subject(what));
    if (words.choice != "waive") {
      TRY(policy::check_decision(subject, words.choice));
    }
  }
  return {};
}

// The manifest with the decisions in it, and what had to go for them.
struct Edit {
  repository::Manifest manifest;
  std::vector<policy::Decision> decisions;  // taken out
  std::vector<policy::Waiver> waivers;      // taken out
};

// Moves the entries that `gone` picks from one list to another.
template <class Entry, class Gone>
void take_out(std::vector<Entry>& from, std::vector<Entry>& to, Gone gone) {
  std::ranges::copy_if(from, std::back_inserter(to), gone);
  std::erase_if(from, gone);
}

// What is to be forgotten: "syscall ptrace", with "decision" or "waiver" in
// front if there is one of each.
struct Forgotten {
  std::string what;
  bool decision = true;
  bool waiver = true;
};

Forgotten forgotten_of(const std::string& what) {
  if (what.starts_with("decision ")) {
    return {.what = what.substr(what.find(' ') + 1), .waiver = false};
  }
  if (what.starts_with("waiver ")) {
    return {.what = what.substr(what.find(' ') + 1), .decision = false};
  }
  return {.what = what};
}

Result<Edit> without(repository::Manifest manifest, const std::string& words) {
  const Forgotten asked = forgotten_of(words);
  TRY_ASSIGN(const policy::Subject subject, policy::parse_subject(asked.what));
  const auto same = [&](const auto& one) { return is_same(one.what, subject); };
  Edit edit{.manifest = std::move(manifest)};
  if (asked.decision) {
    take_out(edit.manifest.decisions, edit.decisions, same);
  }
  if (asked.waiver) {
    take_out(edit.manifest.waivers, edit.waivers, same);
  }
  if (edit.decisions.empty() && edit.waivers.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("nothing was decided about \"{}\"",
                          json::quote_bytes(words)))
            .with_hint("vambrace review DIR tells what was"));
  }
  if (!edit.decisions.empty() && !edit.waivers.empty()) {
    const std::string what = json::quote_bytes(asked.what);
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("a decision and a waiver are about \"{}\"", what))
            .with_hint(fmt::format("forget \"waiver {}\", or forget "
                                   "\"decision {}\"",
                                   what, what)));
  }
  return edit;
}

// In the place of those about the same thing. With any decision an expired
// waiver is answered; one that holds goes only with what it was for.
Result<> decide_about(const std::string& what, const DecisionWords& words,
                      const std::string& who, const std::string& today,
                      Edit& edit) {
  TRY_ASSIGN(const policy::Subject subject, policy::parse_subject(what));
  const bool waive = words.choice == "waive";
  take_out(edit.manifest.waivers, edit.waivers, [&](const policy::Waiver& one) {
    return is_same(one.what, subject) &&
           (waive || words.choice == "drop" || one.until < today);
  });
  if (waive) {
    edit.manifest.waivers.push_back({what, who, *words.why, *words.until});
    return {};
  }
  take_out(
      edit.manifest.decisions, edit.decisions,
      [&](const policy::Decision& one) { return is_same(one.what, subject); });
  edit.manifest.decisions.push_back({what, words.choice, who, *words.why});
  return {};
}

Result<Edit> with_decisions(repository::Manifest manifest,
                            const DecisionWords& words, const std::string& who,
                            const std::string& today) {
  Edit edit{.manifest = std::move(manifest)};
  for (const std::string& what : words.what) {
    TRY(decide_about(what, words, who, today, edit));
  }
  return edit;
}

std::string what_text(const std::vector<std::string>& what) {
  std::vector<std::string> quoted;
  for (const std::string& one : what) {
    quoted.push_back(fmt::format("\"{}\"", json::quote_bytes(one)));
  }
  return fmt::format("{}", fmt::join(quoted, ", "));
}

std::string taken_text(const Edit& edit) {
  std::string text;
  for (const policy::Decision& one : edit.decisions) {
    text += fmt::format("  took out: {} by {}: {}\n", one.choice,
                        json::quote_bytes(one.who), json::quote_bytes(one.why));
  }
  for (const policy::Waiver& one : edit.waivers) {
    text += fmt::format("  took out: waive until {} by {}: {}\n",
                        json::quote_bytes(one.until),
                        json::quote_bytes(one.who), json::quote_bytes(one.why));
  }
  return text;
}

}  // namespace

Result<> check_decision_words(const Environment& environment,
                              const DecisionWords& words) {
  return check_words(words,
                     evidence::format_time(environment.now()).substr(0, 10));
}

Result<> write_decision(Environment& environment, const std::string& directory,
                        const DecisionWords& words) {
  const std::string today =
      evidence::format_time(environment.now()).substr(0, 10);
  const bool forget = words.choice == "forget";
  TRY(check_words(words, today));
  if (!forget) {
    TRY(check_subjects(words));
  }
  const std::string path = directory + "/bundle.yaml";
  std::string who = words.who.value_or("");
  if (who.empty() && !forget) {
    TRY_ASSIGN(who, git_name(directory));
  }
  // From the reading to the writing: another decision may come between.
  HeldFolder held;
  if (environment.hold && environment.files.is_directory(directory)) {
    TRY_ASSIGN(held, environment.hold(directory));
  }
  TRY_ASSIGN(repository::Manifest manifest,
             repository::load_manifest(environment.files, directory));
  TRY_ASSIGN(
      const Edit wanted,
      during(path,
             forget ? without(std::move(manifest), words.what.front())
                    : with_decisions(std::move(manifest), words, who, today)));
  TRY_ASSIGN(const std::string yaml, read_regular(environment.files, path));
  TRY_ASSIGN(const std::string edited,
             during(path, repository::edit_manifest(yaml, wanted.manifest)));
  TRY(repository::write_bundle(environment.files, directory,
                               {{"bundle.yaml", edited}}));
  environment.output.out(
      fmt::format("{}: {} {}{}{}\n{}next: vambrace synth -o {}\n", path,
                  words.choice, what_text(words.what),
                  who.empty() || forget ? "" : " by " + json::quote_bytes(who),
                  words.until ? " until " + *words.until : "",
                  taken_text(wanted), directory));
  return {};
}

}  // namespace vambrace::cli
