#include "policy/apparmor/fitting.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "policy/apparmor/abstraction.h"
#include "policy/apparmor/judge.h"
#include "policy/apparmor/lint.h"
#include "policy/apparmor/pattern_text.h"
#include "policy/apparmor/sensitive.h"

namespace vambrace::policy::apparmor {
namespace {

constexpr std::size_t kFewestReplaced = 2;
constexpr std::size_t kMostExamples = 3;
constexpr std::string_view kFileLetters = "rwaklm";
constexpr std::string_view kMoreThanReading = "waklm";

struct FitRule {
  const FileRule* rule = nullptr;
  std::string_view start;  // every match begins so
  bool literal = false;    // and is nothing more
  Pattern pattern;
};

Result<FitRule> fit_rule(const FileRule& rule, const Variables& variables) {
  const std::string_view start = plain_start(rule.pattern);
  const bool literal = start.size() == rule.pattern.size() &&
                       rule.pattern.find("//") == std::string::npos;
  TRY_ASSIGN(Pattern pattern, Pattern::parse(rule.pattern, variables));
  return FitRule{.rule = &rule,
                 .start = literal ? start : start.substr(0, start.rfind('/')),
                 .literal = literal,
                 .pattern = std::move(pattern)};
}

Result<std::vector<FitRule>> fit_rules(const std::vector<FileRule>& rules,
                                       const Variables& variables) {
  std::vector<FitRule> out;
  for (const FileRule& rule : rules) {
    if (!rule.deny) {
      TRY_ASSIGN(FitRule one, fit_rule(rule, variables));
      out.push_back(std::move(one));
    }
  }
  return out;
}

// Whether whatever `inner` matches `outer` does, too. No where it cannot be
// told.
bool holds_all_of(const FitRule& outer, const FitRule& inner) {
  if (outer.rule->pattern == inner.rule->pattern) {
    return true;
  }
  if (!inner.start.starts_with(outer.start) &&
      !outer.start.starts_with(inner.start)) {
    return false;
  }
  if (inner.literal) {
    return outer.pattern.matches(inner.rule->pattern);
  }
  if (outer.literal || !overlap(outer.pattern, inner.pattern)) {
    return false;
  }
  const Pattern* const others[] = {&outer.pattern};
  return beyond(inner.pattern, others) == std::nullopt;
}

// Does the rule speak of all files that the other one speaks of?
bool as_wide(const FitRule& rule, const FitRule& other) {
  return (!rule.rule->owner || other.rule->owner) && holds_all_of(rule, other);
}

bool shares_a_letter(const FileRule& one, const FileRule& other) {
  return std::ranges::any_of(kFileLetters, [&](char letter) {
    return allows(one, letter) && allows(other, letter);
  });
}

// A path that the rule allows with this letter and none of the others does;
// empty where that cannot be told.
std::optional<std::string> first_beyond(const FitRule& one, char letter,
                                        const std::vector<FitRule>& others) {
  std::vector<const Pattern*> patterns;
  for (const FitRule& other : others) {
    if (allows(*other.rule, letter) &&
        (!other.rule->owner || one.rule->owner) &&
        overlap(one.pattern, other.pattern)) {
      if (other.rule->pattern == one.rule->pattern) {
        return std::nullopt;
      }
      patterns.push_back(&other.pattern);
    }
  }
  return beyond(one.pattern, patterns);
}

// An abstraction, read with the variables of a profile that would include it.
struct Candidate {
  const Abstraction* abstraction = nullptr;
  Include include;
  Variables variables;  // the profile's and its own
  std::vector<FitRule> rules;
  std::string unfit;  // why not, whatever it grants; empty: it may fit
};

bool may_differ(std::string_view variable) {
  return variable == "pid" || variable == "tid";
}

// Why no profile should include it; empty: none.
std::string danger_of(const std::vector<FitRule>& rules) {
  for (const FitRule& one : rules) {
    const std::string pattern = printable(one.rule->pattern);
    if (const Sensitive* path = touched(one.pattern)) {
      return fmt::format("its rule {} reaches {}: {}", pattern, path->prefix,
                         path->reason);
    }
    if (const auto folder = whole_folder(one.pattern); !folder.empty()) {
      return fmt::format("its rule {} takes everything below {}", pattern,
                         folder);
    }
  }
  return "";
}

Result<Candidate> candidate_for(const Abstraction& abstraction,
                                const Variables& variables) {
  Candidate out{.abstraction = &abstraction,
                .include = include_for(abstraction),
                .variables = variables};
  for (const auto& [name, values] : abstraction.variables) {
    const auto [at, fresh] = out.variables.emplace(name, values);
    if (!fresh && at->second != values && !may_differ(name)) {
      out.unfit = fmt::format("the profile has another @{{{}}}", name);
      return out;
    }
  }
  TRY_ASSIGN(out.rules, during(out.include.name,
                               fit_rules(out.include.rules, out.variables)));
  return out;
}

// One profile or child, and the abstractions that may fit it.
class Fitter {
 public:
  Fitter(Rules& rules, const std::vector<FitRule>& had)
      : rules_(rules), had_(had) {
    for (const FitRule& one : had) {
      if (one.rule->exec == Exec::None && one.rule->target.empty()) {
        left_.push_back(&one);
      }
    }
  }

  // Why it does not fit what is left; empty: it does.
  std::string misfit(const Candidate& candidate) const {
    if (replaced_by(candidate).size() < kFewestReplaced) {
      return fmt::format("it allows all of fewer than {} rules",
                         kFewestReplaced);
    }
    const std::size_t used = used_of(candidate);
    if (used * 2 < candidate.rules.size()) {
      return fmt::format("only {} of its {} rules allow what the profile did",
                         used, candidate.rules.size());
    }
    for (const FitRule& one : candidate.rules) {
      for (const char letter : kMoreThanReading) {
        const bool implied = letter == 'a' && one.rule->access.write;
        if (!allows(*one.rule, letter) || implied) {
          continue;
        }
        if (first_beyond(one, letter, had_)) {
          return fmt::format("its rule {} allows {}, which the profile did not",
                             printable(one.rule->pattern), letter);
        }
      }
    }
    return "";
  }

  std::vector<const FitRule*> replaced_by(const Candidate& candidate) const {
    std::vector<const FitRule*> out;
    std::ranges::copy_if(
        left_, std::back_inserter(out),
        [&](const FitRule* one) { return is_allowed(*one, candidate.rules); });
    return out;
  }

  Finding take(const Candidate& candidate, const std::string& where) {
    const auto replaced = replaced_by(candidate);
    const Finding finding = told(candidate, replaced, where);
    for (const FitRule* one : replaced) {
      std::erase(left_, one);
      replaced_.insert(one->rule);
    }
    rules_.includes.push_back(candidate.include);
    give_reasons(rules_.includes.back(), candidate, replaced);
    return finding;
  }

  // Takes the replaced rules out; nothing may be asked afterwards.
  void finish() {
    std::vector<FileRule> kept;
    for (FileRule& rule : rules_.files) {
      if (!replaced_.contains(&rule)) {
        kept.push_back(std::move(rule));
      }
    }
    rules_.files = std::move(kept);
  }

 private:
  // By one rule for each letter.
  static bool is_allowed(const FitRule& one, const std::vector<FitRule>& by) {
    return std::ranges::all_of(kFileLetters, [&](char letter) {
      return !allows(*one.rule, letter) ||
             std::ranges::any_of(by, [&](const FitRule& rule) {
               return allows(*rule.rule, letter) && as_wide(rule, one);
             });
    });
  }

  // How many of its rules the profile made use of.
  std::size_t used_of(const Candidate& candidate) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(candidate.rules, [&](const FitRule& rule) {
          return std::ranges::any_of(had_, [&](const FitRule& one) {
            return shares_a_letter(*rule.rule, *one.rule) && as_wide(rule, one);
          });
        }));
  }

  // Each of its rules is there for what it replaced.
  static void give_reasons(Include& include, const Candidate& candidate,
                           const std::vector<const FitRule*>& replaced) {
    for (std::size_t i = 0; i < include.rules.size(); ++i) {
      Why& why = include.rules[i].why;
      for (const FitRule* one : replaced) {
        if (shares_a_letter(include.rules[i], *one->rule) &&
            as_wide(candidate.rules[i], *one)) {
          const Why& more = one->rule->why;
          why.reasons.insert(why.reasons.end(), more.reasons.begin(),
                             more.reasons.end());
        }
      }
      std::ranges::sort(why.reasons);
      const auto same = std::ranges::unique(why.reasons);
      why.reasons.erase(same.begin(), same.end());
    }
  }

  Finding told(const Candidate& candidate,
               const std::vector<const FitRule*>& replaced,
               const std::string& where) const {
    std::vector<std::string> instead;
    for (const FitRule* one : replaced) {
      instead.push_back(printable(one->rule->pattern));
    }
    std::vector<std::string> more;
    for (const FitRule& one : candidate.rules) {
      if (!one.rule->access.read) {
        continue;
      }
      if (const auto path = first_beyond(one, 'r', had_)) {
        more.push_back(printable(path->empty() ? one.rule->pattern : *path));
      }
    }
    const std::size_t beyond_count = more.size();
    more.resize(std::min(more.size(), kMostExamples));
    return {
        .id = "apparmor-include",
        .severity = more.empty() ? "info" : "low",
        .place = fmt::format("apparmor: {}: {}", where, candidate.include.name),
        .message = fmt::format(
            "stands for {} rules ({}){}", replaced.size(),
            fmt::join(instead, ", "),
            more.empty() ? " and allows nothing more"
                         : fmt::format("; {} of its {} rules let more be read, "
                                       "such as {}",
                                       beyond_count, candidate.rules.size(),
                                       fmt::join(more, ", "))),
        .hint =
            "without it under abstractions in bundle.yaml the profile has "
            "rules of its own"};
  }

  Rules& rules_;
  const std::vector<FitRule>& had_;
  std::vector<const FitRule*> left_;
  std::set<const FileRule*> replaced_;
};

class ProfileFitter {
 public:
  ProfileFitter(Profile& profile, const std::vector<Abstraction>& candidates)
      : profile_(profile), candidates_(candidates) {}

  Result<Fitting> fit() {
    TRY(fit_one(profile_.rules, profile_.name));
    for (auto& [name, rules] : profile_.children) {
      TRY(fit_one(rules, profile_.name + "//" + name));
    }
    for (const std::string& name : out_.taken) {
      out_.passed_over.erase(name);
    }
    std::ranges::sort(out_.findings);
    return std::move(out_);
  }

 private:
  // An include brings its variables along: which others fit may change.
  Result<std::vector<Candidate>> read_candidates() const {
    std::vector<Candidate> out;
    for (const Abstraction& one : candidates_) {
      TRY_ASSIGN(Candidate candidate, candidate_for(one, profile_.variables));
      out.push_back(std::move(candidate));
    }
    return out;
  }

  Result<> fit_one(Rules& rules, const std::string& where) {
    TRY_ASSIGN(const auto had, fit_rules(rules.files, profile_.variables));
    Fitter fitter(rules, had);
    std::set<std::string> here;
    while (true) {
      TRY_ASSIGN(const auto candidates, read_candidates());
      const Candidate* best = nullptr;
      std::size_t most = 0;
      for (const Candidate& one : candidates) {
        const std::string& name = one.abstraction->name;
        if (here.contains(name)) {
          continue;
        }
        std::string why = one.unfit.empty() ? fitter.misfit(one) : one.unfit;
        why = why.empty() ? danger_of(one.rules) : why;
        if (!why.empty()) {
          out_.passed_over.try_emplace(name, why);
        } else if (const auto count = fitter.replaced_by(one).size();
                   count > most) {
          best = &one;
          most = count;
        }
      }
      if (best == nullptr) {
        break;
      }
      here.insert(best->abstraction->name);
      out_.taken.insert(best->abstraction->name);
      profile_.variables = best->variables;
      out_.findings.push_back(fitter.take(*best, where));
    }
    fitter.finish();
    return {};
  }

  Profile& profile_;
  const std::vector<Abstraction>& candidates_;
  Fitting out_;
};

}  // namespace

Result<Fitting> include_fitting(Profile& profile,
                                const std::vector<Abstraction>& candidates) {
  return candidates.empty() ? Fitting{}
                            : ProfileFitter(profile, candidates).fit();
}

}  // namespace vambrace::policy::apparmor
