#include "policy/rule_difference.h"

#include <algorithm>
#include <set>

#include "policy/apparmor/print.h"
#include "policy/apparmor/quote.h"

namespace vambrace::policy {
namespace {

// An empty condition of AppArmor's holds for anything.
bool is_within(const std::string& one, const std::string& other) {
  return other.empty() || one == other;
}

bool is_within(const std::set<std::string>& one,
               const std::set<std::string>& other) {
  return other.empty() || (!one.empty() && std::ranges::includes(other, one));
}

bool is_within(const apparmor::NetworkRule& one,
               const apparmor::NetworkRule& other) {
  return is_within(one.family, other.family) && is_within(one.type, other.type);
}

bool is_within(const apparmor::UnixRule& one, const apparmor::UnixRule& other) {
  return is_within(one.access, other.access) &&
         is_within(one.type, other.type) &&
         is_within(one.address, other.address) &&
         is_within(one.peer, other.peer) &&
         is_within(one.peer_address, other.peer_address);
}

bool is_within(const apparmor::SignalRule& one,
               const apparmor::SignalRule& other) {
  return is_within(one.access, other.access) &&
         is_within(one.signals, other.signals) &&
         is_within(one.peer, other.peer);
}

bool is_within(const apparmor::PtraceRule& one,
               const apparmor::PtraceRule& other) {
  return is_within(one.access, other.access) && is_within(one.peer, other.peer);
}

bool is_within(const apparmor::MountRule& one,
               const apparmor::MountRule& other) {
  return one.kind == other.kind && one.fstype == other.fstype &&
         one.options == other.options && one.source == other.source &&
         one.target == other.target;
}

bool is_within(const apparmor::LinkRule& one, const apparmor::LinkRule& other) {
  return one.pattern == other.pattern && one.target == other.target &&
         (one.owner || !other.owner);
}

template <class Rule>
bool is_among(const Rule& one, const std::vector<Rule>& others) {
  return std::ranges::any_of(
      others, [&](const Rule& other) { return is_within(one, other); });
}

// The rule without the words of one of its lists that the others grant, with
// the rest of the rule, too. An empty list stands for all words, and is left.
template <class Rule>
Rule without_granted(const Rule& rule, std::set<std::string> Rule::* list,
                     const std::vector<Rule>& others) {
  Rule out = rule;
  std::erase_if(out.*list, [&](const std::string& word) {
    Rule part = rule;
    part.*list = {word};
    return is_among(part, others);
  });
  return out;
}

// The profile's own name, which holds a hash, tells nothing here.
void drop_name(std::string& text, const std::string& name) {
  if (!name.empty() && text.starts_with(name)) {
    text.replace(0, name.size(), "profile");
  }
}

apparmor::Rules without_name(apparmor::Rules rules, const std::string& name) {
  for (apparmor::UnixRule& rule : rules.unix_sockets) {
    drop_name(rule.peer, name);
  }
  for (apparmor::SignalRule& rule : rules.signals) {
    drop_name(rule.peer, name);
  }
  for (apparmor::PtraceRule& rule : rules.ptrace) {
    drop_name(rule.peer, name);
  }
  for (apparmor::FileRule& rule : rules.files) {
    drop_name(rule.target, name);
  }
  return rules;
}

apparmor::Profile without_name(apparmor::Profile profile) {
  profile.rules = without_name(std::move(profile.rules), profile.name);
  for (auto& [name, rules] : profile.children) {
    rules = without_name(std::move(rules), profile.name);
  }
  return profile;
}

bool starts(const apparmor::FileRule& rule) {
  return !rule.deny && rule.exec != apparmor::Exec::None;
}

bool grants(const apparmor::Rules& rules, const std::string& name) {
  return std::ranges::any_of(rules.capabilities, [&](const auto& grant) {
    return grant.name == name;
  });
}

bool grants(const apparmor::Profile& profile, const std::string& name) {
  return grants(profile.rules, name) ||
         std::ranges::any_of(profile.children, [&](const auto& child) {
           return grants(child.second, name);
         });
}

// The rules of one program on both sides.
class Rules {
 public:
  Rules(std::string program, const apparmor::Profile& one_profile,
        const apparmor::Rules& one, const apparmor::Profile& other_profile,
        const apparmor::Rules& other)
      : program_(std::move(program)),
        one_profile_(one_profile),
        one_(one),
        other_profile_(other_profile),
        other_(other) {}

  Result<> compare(std::set<RulePermit>& out) {
    out_ = &out;
    capabilities();
    TRY(each(one_.network, other_.network));
    TRY(each(one_.unix_sockets, other_.unix_sockets));
    for (const apparmor::SignalRule& rule : one_.signals) {
      TRY(parts(rule, &apparmor::SignalRule::access,
                &apparmor::SignalRule::signals, other_.signals));
    }
    for (const apparmor::PtraceRule& rule : one_.ptrace) {
      TRY(tell_rest(rule, &apparmor::PtraceRule::access, other_.ptrace));
    }
    TRY(each(one_.mounts, other_.mounts));
    TRY(each(one_.links, other_.links));
    return transitions();
  }

 private:
  void tell(std::string line) {
    out_->insert({.program = program_, .rule = std::move(line)});
  }

  void capabilities() {
    for (const apparmor::CapabilityGrant& grant : one_.capabilities) {
      if (!grants(other_, grant.name) && grants(other_profile_, grant.name)) {
        tell("capability " + grant.name);
      }
    }
  }

  template <class Rule>
  Result<> each(const std::vector<Rule>& rules,
                const std::vector<Rule>& others) {
    for (const Rule& rule : rules) {
      if (!is_among(rule, others)) {
        TRY_ASSIGN(std::string line, apparmor::line_of(rule));
        tell(std::move(line));
      }
    }
    return {};
  }

  // What is left of the rule without the words of the list that others grant.
  template <class Rule>
  Result<> tell_rest(const Rule& rule, std::set<std::string> Rule::* list,
                     const std::vector<Rule>& others) {
    const Rule rest = without_granted(rule, list, others);
    const bool all = !(rule.*list).empty() && (rest.*list).empty();
    return all ? Result<>() : each(std::vector{rest}, others);
  }

  // A rule with two lists, each word of the first by itself.
  template <class Rule>
  Result<> parts(const Rule& rule, std::set<std::string> Rule::* first,
                 std::set<std::string> Rule::* second,
                 const std::vector<Rule>& others) {
    if ((rule.*first).empty()) {
      return tell_rest(rule, second, others);
    }
    for (const std::string& word : rule.*first) {
      Rule part = rule;
      part.*first = {word};
      TRY(tell_rest(part, second, others));
    }
    return {};
  }

  // Does a rule of the other side start the same file, and none as this one?
  Result<bool> is_otherwise(const apparmor::FileRule& rule) {
    TRY_ASSIGN(const apparmor::Pattern pattern,
               apparmor::Pattern::parse(rule.pattern, one_profile_.variables));
    bool otherwise = false;
    for (const apparmor::FileRule& other : other_.files) {
      if (!starts(other)) {
        continue;
      }
      TRY_ASSIGN(
          const apparmor::Pattern theirs,
          apparmor::Pattern::parse(other.pattern, other_profile_.variables));
      if (!overlap(pattern, theirs)) {
        continue;
      }
      if (other.exec == rule.exec && other.target == rule.target) {
        return false;
      }
      otherwise = true;
    }
    return otherwise;
  }

  Result<> transitions() {
    for (const apparmor::FileRule& rule : one_.files) {
      if (!starts(rule)) {
        continue;
      }
      TRY_ASSIGN(const bool otherwise, is_otherwise(rule));
      if (otherwise) {
        tell(fmt::format("{} {}{}{}", apparmor::word_of(rule.pattern),
                         apparmor::letters(rule.exec),
                         rule.target.empty() ? "" : " -> ", rule.target));
      }
    }
    return {};
  }

  const std::string program_;
  const apparmor::Profile& one_profile_;
  const apparmor::Rules& one_;
  const apparmor::Profile& other_profile_;
  const apparmor::Rules& other_;
  std::set<RulePermit>* out_ = nullptr;
};

}  // namespace

Result<std::vector<RulePermit>> rules_beyond(const apparmor::Profile& one,
                                             const apparmor::Profile& other) {
  const apparmor::Profile left = without_name(one);
  const apparmor::Profile right = without_name(other);
  std::set<RulePermit> out;
  TRY(Rules("", left, left.rules, right, right.rules).compare(out));
  for (const auto& [name, rules] : left.children) {
    const auto same = right.children.find(name);
    TRY(Rules(name, left, rules, right,
              same == right.children.end() ? right.rules : same->second)
            .compare(out));
  }
  if (left.attach_disconnected && !right.attach_disconnected) {
    out.insert({.program = "", .rule = "flags=(attach_disconnected)"});
  }
  if (left.mediate_deleted && !right.mediate_deleted) {
    out.insert({.program = "", .rule = "flags=(mediate_deleted)"});
  }
  return std::vector(out.begin(), out.end());
}

}  // namespace vambrace::policy
