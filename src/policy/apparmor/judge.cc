#include "policy/apparmor/judge.h"

#include "policy/apparmor/pattern_text.h"

namespace vambrace::policy::apparmor {

bool allows(const FileRule& rule, char letter) {
  switch (letter) {
    case 'r':
      return rule.access.read;
    case 'w':
    case 'c':
    case 'd':
    case 'o':
    case 'p':
      return rule.access.write;
    case 'a':
      return rule.access.append || rule.access.write;
    case 'k':
      return rule.access.lock;
    case 'l':
      return rule.access.link;
    case 'm':  // inheriting implies it
      return rule.access.map || (!rule.deny && rule.exec == Exec::Inherit);
    case 'x':
      return rule.exec != Exec::None;
    default:
      return letter == 'i';
  }
}

Result<FileJudge> FileJudge::of(const Rules& rules,
                                const Variables& variables) {
  FileJudge judge;
  for (const FileRule* rule : file_rules(rules)) {
    const std::string_view start = plain_start(rule->pattern);
    if (start.size() == rule->pattern.size() &&
        rule->pattern.find("//") == std::string::npos) {
      judge.literal_[rule->pattern].push_back(rule);
      continue;
    }
    TRY_ASSIGN(Pattern pattern, Pattern::parse(rule->pattern, variables));
    judge.wide_.push_back(
        {.rule = rule,
         .start = std::string(start.substr(0, start.find("//"))),
         .pattern = std::move(pattern)});
  }
  return judge;
}

std::vector<const FileRule*> FileJudge::matching(std::string_view path) const {
  std::vector<const FileRule*> found;
  if (const auto same = literal_.find(std::string(path));
      same != literal_.end()) {
    found = same->second;
  }
  for (const Wide& one : wide_) {
    if (path.starts_with(one.start) && one.pattern.matches(path)) {
      found.push_back(one.rule);
    }
  }
  return found;
}

std::string FileJudge::refused(std::string_view path, std::string_view access,
                               std::optional<bool> owner) const {
  const std::vector<const FileRule*> rules = matching(path);
  std::string out;
  for (const char letter : access) {
    bool allowed = false;
    bool denied = false;
    for (const FileRule* rule : rules) {
      if (allows(*rule, letter) && (!rule->owner || owner.value_or(false))) {
        (rule->deny ? denied : allowed) = true;
      }
    }
    if ((!allowed || denied) && letter != 'i') {
      out += letter;
    }
  }
  return out;
}

}  // namespace vambrace::policy::apparmor
