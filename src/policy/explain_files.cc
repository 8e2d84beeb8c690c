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

// As the kernel writes a path: no name in it is empty or ".". Where ".." leads
// to, the links of a running system decide.
Result<std::string> plain_path(std::string_view path) {
  std::string plain;
  std::vector<std::string> above;
  bool up = false;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t begin =
        std::min(path.find_first_not_of('/', at), path.size());
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, end - begin);
    at = end;
    if (name == "..") {
      up = true;
      if (!above.empty()) {
        plain = above.back();
        above.pop_back();
      }
    } else if (!name.empty() && name != ".") {
      above.push_back(plain);
      plain += fmt::format("/{}", name);
    }
  }
  const std::string_view last = path.substr(path.rfind('/') + 1);
  plain +=
      plain.empty() || last.empty() || last == "." || last == ".." ? "/" : "";
  if (up) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{}: AppArmor is asked about no path with \"..\"",
                          json::quote_bytes(path)))
            .with_hint(fmt::format("ask about {}, if no link is on the way",
                                   json::quote_bytes(plain))));
  }
  return plain;
}

// The same name as a folder's, or as none's; empty: there is no other.
std::string other_form(const std::string& path) {
  return path == "/"           ? ""
         : path.ends_with('/') ? path.substr(0, path.size() - 1)
                               : path + "/";
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

  struct ByProfile {
    std::string child;   // empty: the profile itself
    bool ruled = false;  // by some rule
    Answer answer;
  };

  Result<std::vector<ByProfile>> run() {
    std::vector<ByProfile> answers;
    TRY(add(answers, "", profile_.rules));
    for (const auto& [name, rules] : profile_.children) {
      TRY(add(answers, name, rules));
    }
    return answers;
  }

 private:
  // Of a child only where it has a rule.
  Result<> add(std::vector<ByProfile>& answers, const std::string& child,
               const apparmor::Rules& rules) const {
    TRY_ASSIGN(const apparmor::FileJudge judge,
               apparmor::FileJudge::of(rules, profile_.variables));
    const bool ruled = !judge.matching(question_.path).empty();
    if (ruled || child.empty()) {
      TRY_ASSIGN(Answer its, answer(child, rules));
      answers.push_back({child, ruled, std::move(its)});
    }
    return {};
  }

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
  TRY_ASSIGN(const std::string path, json::unquote_bytes(words[0]));
  TRY_ASSIGN(question.path, plain_path(path));
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
  TRY_ASSIGN(
      const auto asked,
      FileExplainer(question, rendering, *rendered.profile, evidence).run());
  std::vector<Answer> answers;
  for (const auto& one : asked) {
    answers.push_back(one.answer);
  }
  Question other = question;
  other.path = other_form(question.path);
  if (other.path.empty()) {
    return answers;
  }
  TRY_ASSIGN(
      auto more,
      FileExplainer(other, rendering, *rendered.profile, evidence).run());
  for (auto& one : more) {
    const bool same = std::ranges::any_of(asked, [&](const auto& known) {
      return known.child == one.child &&
             known.answer.permission == one.answer.permission &&
             known.answer.when == one.answer.when;
    });
    if (one.ruled && !same) {
      one.answer.notes.emplace_back(
          "the path of a folder ends in a slash, that of no other file does");
      answers.push_back(std::move(one.answer));
    }
  }
  return answers;
}

}  // namespace vambrace::policy
