#include "policy/explain_files.h"

#include <algorithm>

#include "base/json.h"
#include "kernel/errnos.h"
#include "policy/apparmor/children.h"
#include "policy/apparmor/judge.h"
#include "policy/apparmor/quote.h"
#include "policy/apparmor/render.h"
#include "policy/explain_decisions.h"
#include "policy/files.h"
#include "policy/reasons.h"

namespace vambrace::policy {
namespace {

constexpr std::string_view kAskable = "acdklmoprwx";
constexpr std::size_t kExamples = 3;

std::string mode_of(const apparmor::FileRule& rule) {
  std::string mode;
  for (const char letter : std::string_view("rwakml")) {
    if (apparmor::allows(rule, letter) && (letter != 'm' || rule.access.map) &&
        (letter != 'a' || !rule.access.write)) {
      mode += letter;
    }
  }
  return mode + (rule.deny && rule.exec != apparmor::Exec::None
                     ? "x"
                     : std::string(apparmor::letters(rule.exec)));
}

class FileExplainer {
 public:
  FileExplainer(const Question& question, const Rendering& rendering,
                const apparmor::Profile& profile,
                const evidence::Evidence& evidence)
      : question_(question),
        profile_(profile),
        evidence_(evidence),
        names_(apparmor::child_names(rendering.policy)) {}

  Result<std::vector<Answer>> run() {
    std::vector<Answer> answers;
    TRY_ASSIGN(Answer main, answer("", profile_.rules));
    answers.push_back(std::move(main));
    for (const auto& [name, rules] : profile_.children) {
      TRY_ASSIGN(const apparmor::FileJudge judge,
                 apparmor::FileJudge::of(rules, profile_.variables));
      if (!judge.matching(question_.path).empty()) {
        TRY_ASSIGN(Answer child, answer(name, rules));
        answers.push_back(std::move(child));
      }
    }
    return answers;
  }

 private:
  Result<Answer> answer(const std::string& child,
                        const apparmor::Rules& rules) const {
    TRY_ASSIGN(const apparmor::FileJudge judge,
               apparmor::FileJudge::of(rules, profile_.variables));
    Answer out{
        .what = fmt::format(
            "file {}{} in profile {}{}", json::quote_bytes(question_.path),
            question_.access.empty() ? ""
                                     : fmt::format(" ({})", question_.access),
            profile_.name, child.empty() ? "" : "//" + child)};
    permit(out, judge);
    Reasons reasons;
    bool denied = false;
    for (const apparmor::FileRule* rule : judge.matching(question_.path)) {
      denied = denied || rule->deny;
      const apparmor::Include* include = apparmor::include_of(rules, *rule);
      out.notes.push_back(fmt::format(
          "rule {}{}{} {}{}", rule->deny ? "audit deny " : "",
          rule->owner ? "owner " : "", json::quote_bytes(rule->pattern),
          mode_of(*rule),
          include == nullptr ? "" : " of include " + include->name));
      for (const std::string& wide : rule->why.examples) {
        out.notes.push_back("wider: " + json::quote_bytes(wide));
      }
      if (!rule->why.examples.empty()) {
        seen_by(out, child, judge, *rule);
      }
      for (const Reason& reason : rule->why.reasons) {
        reasons.add(reason);
      }
    }
    out.reasons = reasons.sorted();
    if (out.permission == Permission::Refused && !denied) {
      out.notes.push_back("no counted evidence needs it; " + to_grant(child));
    }
    add_uses(out, child);
    return out;
  }

  // A decision adds rules of the main program alone, and none that starts a
  // program.
  std::string to_grant(const std::string& child) const {
    if (!child.empty()) {
      return "a decision adds for the main program alone: to grant it, record "
             "a run in which this one needs it";
    }
    std::string access = question_.access;
    std::erase(access, 'x');
    if (access != question_.access && access.empty()) {
      return "to grant it, record a run that starts it";
    }
    return how_to_add(fmt::format("file {} {}",
                                  apparmor::pattern_of(question_.path),
                                  access.empty() ? "ACCESS" : access)) +
           (access == question_.access
                ? ""
                : "; to start it, record a run that does");
  }

  void permit(Answer& out, const apparmor::FileJudge& judge) const {
    const auto refused = [&](std::string_view access, bool owner) {
      return judge.refused(question_.path, access, owner);
    };
    const std::string asked =
        question_.access.empty() ? std::string(kAskable) : question_.access;
    if (refused(asked, false).empty()) {
      out.permission = Permission::Allowed;
      return;
    }
    out.otherwise = {profile_.mode == apparmor::Mode::Enforce
                         ? seccomp::Action::Errno
                         : seccomp::Action::Log,
                     kernel::kEacces};
    const bool own = refused(asked, true).empty();
    out.depends_on =
        question_.access.empty() ? "the access" : "the file's owner";
    if (!question_.access.empty()) {
      out.permission = own ? Permission::Depends : Permission::Refused;
      if (own) {
        out.when.emplace_back("the file is the process's own");
      }
      return;
    }
    for (const char letter : kAskable) {
      const std::string one(1, letter);
      if (refused(one, true).empty()) {
        out.permission = Permission::Depends;
        out.when.push_back(fmt::format(
            "the access is {}{}", one,
            refused(one, false).empty() ? "" : " and the file its own"));
      }
    }
  }

  // Whether a process has this profile.
  bool is_in(const evidence::Process& process, const std::string& child) const {
    if (!counts(process.key.origin)) {
      return false;
    }
    const auto name = names_.find(process.key.exe);
    const bool apart =
        name != names_.end() && profile_.children.contains(name->second);
    return apart ? name->second == child : child.empty();
  }

  void seen_by(Answer& out, const std::string& child,
               const apparmor::FileJudge& judge,
               const apparmor::FileRule& rule) const {
    std::set<std::string> examples;
    std::size_t more = 0;
    for (const evidence::Process& process : evidence_.processes) {
      if (!is_in(process, child)) {
        continue;
      }
      for (const std::string_view path : evidence::paths_in(process)) {
        const auto found = judge.matching(path);
        if (std::ranges::find(found, &rule) == found.end() ||
            examples.contains(std::string(path))) {
          continue;
        }
        if (examples.size() < kExamples) {
          examples.emplace(path);
        } else {
          ++more;
        }
      }
    }
    std::string text;
    for (const std::string& example : examples) {
      text += (text.empty() ? "seen: " : ", ") + json::quote_bytes(example);
    }
    if (!text.empty()) {
      out.notes.push_back(text +
                          (more == 0 ? "" : fmt::format(" and {} more", more)));
    }
  }

  void add_uses(Answer& out, const std::string& child) const {
    for (const evidence::Process& process : evidence_.processes) {
      // What no profile holds is told once.
      if (counts(process.key.origin) ? !is_in(process, child)
                                     : !child.empty()) {
        continue;
      }
      for (const evidence::FileFact& fact : process.files) {
        if (mediated_path(fact) != question_.path) {
          continue;
        }
        for (const auto& [recording, share] : fact.by) {
          out.uses.push_back(
              {recording, process.key,
               fmt::format(
                   "{}{}", fact.access,
                   fact.owner.value_or(false) ? " of its own file" : ""),
               share});
        }
      }
    }
    std::ranges::sort(out.uses);
  }

  const Question& question_;
  const apparmor::Profile& profile_;
  const evidence::Evidence& evidence_;
  const std::map<std::string, std::string> names_;
};

}  // namespace

Result<Question> parse_file_question(std::span<const std::string> words) {
  Question question;
  TRY_ASSIGN(question.path, json::unquote_bytes(words[0]));
  if (words.size() > 2) {
    return fail(ErrorCode::InvalidInput, "a file has a path and an access");
  }
  if (words.size() == 2) {
    question.access = words[1];
    std::ranges::sort(question.access);
    const auto same = std::ranges::unique(question.access);
    question.access.erase(same.begin(), same.end());
  }
  if (question.access.find_first_not_of(kAskable) != std::string::npos) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("\"{}\" is no access", json::quote_bytes(words[1])))
            .with_hint("letters: append, create, delete, lock (k), link, map, "
                       "chown (o), chmod (p), read, write, execute (x)"));
  }
  return question;
}

Result<std::vector<Answer>> explain_file(const Question& question,
                                         const Rendering& rendering,
                                         const evidence::Evidence& evidence) {
  TRY_ASSIGN(const apparmor::Rendered rendered,
             apparmor::render(rendering.policy, rendering.target,
                              rendering.stage, rendering.capabilities));
  if (!rendered.profile) {
    return fail(
        ErrorCode::InvalidInput,
        "the bundle has no AppArmor profile: its evidence tells no file");
  }
  return FileExplainer(question, rendering, *rendered.profile, evidence).run();
}

}  // namespace vambrace::policy
