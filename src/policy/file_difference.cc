#include "policy/file_difference.h"

#include <algorithm>
#include <map>

#include "policy/apparmor/judge.h"

namespace vambrace::policy {
namespace {

// What a rule can allow, as AppArmor tells it apart.
constexpr std::string_view kLetters = "aklmrwx";

struct Read {
  const apparmor::FileRule* rule = nullptr;
  apparmor::Pattern pattern;
};

Result<std::vector<Read>> read(const apparmor::Rules& rules,
                               const apparmor::Variables& variables) {
  std::vector<Read> out;
  for (const apparmor::FileRule* rule : apparmor::file_rules(rules)) {
    TRY_ASSIGN(apparmor::Pattern pattern,
               apparmor::Pattern::parse(rule->pattern, variables));
    out.push_back({.rule = rule, .pattern = std::move(pattern)});
  }
  return out;
}

// The rules that deny the letter on paths of the pattern.
std::vector<const Read*> denials(const apparmor::Pattern& pattern, char letter,
                                 const std::vector<Read>& rules) {
  std::vector<const Read*> out;
  for (const Read& rule : rules) {
    if (rule.rule->deny && allows(*rule.rule, letter) &&
        overlap(pattern, rule.pattern)) {
      out.push_back(&rule);
    }
  }
  return out;
}

// A path that the rule allows with this letter and no rule of the others does.
// `own` are the denials beside the rule.
std::optional<std::string> not_allowed(const Read& one, char letter,
                                       const std::vector<const Read*>& own,
                                       const std::vector<Read>& others) {
  std::vector<const apparmor::Pattern*> patterns;
  for (const Read* denial : own) {
    patterns.push_back(&denial->pattern);
  }
  for (const Read& other : others) {
    if (other.rule->deny || !allows(*other.rule, letter) ||
        (other.rule->owner && !one.rule->owner)) {
      continue;
    }
    if (other.rule->pattern == one.rule->pattern) {
      return std::nullopt;
    }
    if (overlap(one.pattern, other.pattern)) {
      patterns.push_back(&other.pattern);
    }
  }
  return beyond(one.pattern, patterns);
}

// A path that the rule allows with this letter and a rule of the others denies;
// the empty text where there is one that is not told.
std::optional<std::string> denied(const Read& one, char letter,
                                  const std::vector<const Read*>& own,
                                  const std::vector<Read>& others) {
  std::vector<const apparmor::Pattern*> patterns;
  for (const Read* denial : own) {
    patterns.push_back(&denial->pattern);
  }
  for (const Read* denial : denials(one.pattern, letter, others)) {
    const auto path = beyond(denial->pattern, patterns);
    const auto only = beyond(one.pattern, patterns);
    if (path && only) {
      return one.pattern.matches(*path)       ? *path
             : denial->pattern.matches(*only) ? *only
                                              : std::string();
    }
  }
  return std::nullopt;
}

std::optional<std::string> example(const Read& one, char letter,
                                   const std::vector<Read>& beside,
                                   const std::vector<Read>& others) {
  const auto own = denials(one.pattern, letter, beside);
  const auto found = not_allowed(one, letter, own, others);
  return found ? found : denied(one, letter, own, others);
}

void compare(const std::string& program, const std::vector<Read>& rules,
             const std::vector<Read>& others, std::vector<FilePermit>& out) {
  for (const Read& one : rules) {
    if (one.rule->deny) {
      continue;
    }
    // Letters with the same example are one line.
    std::map<std::string, std::string> letters;
    for (const char letter : kLetters) {
      // Writing implies appending: one of them tells it.
      if (!allows(*one.rule, letter) ||
          (letter == 'a' && one.rule->access.write)) {
        continue;
      }
      if (const auto found = example(one, letter, rules, others)) {
        letters[*found] += letter;
      }
    }
    for (const auto& [path, access] : letters) {
      out.push_back({.program = program,
                     .pattern = one.rule->pattern,
                     .access = access,
                     .owner = one.rule->owner,
                     .example = path});
    }
  }
}

}  // namespace

Result<std::vector<FilePermit>> files_beyond(const apparmor::Profile& one,
                                             const apparmor::Profile& other) {
  std::vector<FilePermit> out;
  TRY_ASSIGN(const auto main, read(one.rules, one.variables));
  TRY_ASSIGN(const auto other_main, read(other.rules, other.variables));
  compare("", main, other_main, out);
  for (const auto& [name, rules] : one.children) {
    TRY_ASSIGN(const auto child, read(rules, one.variables));
    const auto same = other.children.find(name);
    if (same == other.children.end()) {
      // There the helper runs with the main program's rules, if at all.
      compare(name, child, other_main, out);
      continue;
    }
    TRY_ASSIGN(const auto other_child, read(same->second, other.variables));
    compare(name, child, other_child, out);
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace vambrace::policy
