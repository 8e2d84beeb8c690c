#include "policy/apparmor/children.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace vambrace::policy::apparmor {
namespace {

constexpr std::size_t kMaxName = 60;
constexpr std::string_view kShared = "helpers";

// How many rules a program has that let it do more than read and run.
template <class Rules, class Counts>
void count_rights(const Rules& rules, Counts counts,
                  std::map<std::string, std::size_t>& rights) {
  for (const auto& rule : rules) {
    if (!rule.program.empty()) {
      rights[rule.program] += counts(rule) ? 1 : 0;
    }
  }
}

}  // namespace

std::string plain_name(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxName)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9');
    const bool mark = c == '.' || c == '_' || c == '+' || c == '-';
    out += letter || (mark && !out.empty()) ? c : '_';
  }
  if (out.empty() || out[0] == '_') {
    out.insert(0, "x");
  }
  return out;
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::map<std::string, std::string> child_names(const Policy& policy) {
  std::map<std::string, std::size_t> rights;
  count_rights(
      policy.files,
      [](const auto& rule) {
        return rule.access.find_first_of("acdklopw") != std::string::npos;
      },
      rights);
  const auto always = [](const auto&) { return true; };
  count_rights(policy.sockets, always, rights);
  count_rights(policy.signals, always, rights);
  count_rights(policy.mounts, always, rights);
  count_rights(policy.traces, always, rights);
  std::vector<std::pair<std::size_t, std::string>> helpers;
  for (const auto& [program, count] : rights) {
    helpers.emplace_back(count, program);
  }
  // Those that may do most are kept apart.
  std::ranges::sort(helpers, [](const auto& one, const auto& other) {
    return std::tuple(other.first, one.second) <
           std::tuple(one.first, other.second);
  });
  if (helpers.size() > kMaxChildren) {
    helpers.resize(kMaxChildren - 1);
  }
  std::map<std::string, std::string> names;
  std::set<std::string> taken;
  if (helpers.size() < rights.size()) {
    taken.emplace(kShared);
    for (const auto& [program, count] : rights) {
      names.emplace(program, kShared);
    }
  }
  std::ranges::sort(helpers, {}, [](const auto& one) { return one.second; });
  for (const auto& [count, program] : helpers) {
    const std::string plain = plain_name(last_part(program));
    std::string& name = names[program] = plain;
    for (unsigned number = 2; !taken.insert(name).second; ++number) {
      name = fmt::format("{}-{}", plain, number);
    }
  }
  return names;
}

Children::Children(const Policy& policy, bool apart) {
  if (apart) {
    names_ = child_names(policy);
  }
}

bool Children::is_apart(const std::string& program) const {
  return names_.contains(program);
}

std::string Children::child_of(const std::string& program) const {
  const auto child = names_.find(program);
  return child == names_.end() ? "" : child->second;
}

Rules& Children::rules_of(Profile& profile, const std::string& program) const {
  const auto child = names_.find(program);
  return child == names_.end() ? profile.rules
                               : profile.children[child->second];
}

std::vector<Rules*> Children::everybody(Profile& profile) {
  std::vector<Rules*> all = {&profile.rules};
  for (auto& [name, rules] : profile.children) {
    all.push_back(&rules);
  }
  return all;
}

std::string Children::label_of(const Profile& profile,
                               const std::string& program) const {
  const std::string child = child_of(program);
  return child.empty() ? profile.name : profile.name + "//" + child;
}

std::string Children::label(const Profile& profile) const {
  return names_.empty() ? profile.name : profile.name + "{,//*}";
}

}  // namespace vambrace::policy::apparmor
