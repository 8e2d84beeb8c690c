#include "policy/examples.h"

#include "policy/apparmor/pattern.h"
#include "policy/apparmor/variables.h"
#include "policy/programs.h"
#include "policy/reasons.h"

namespace vambrace::policy {
namespace {

constexpr std::size_t kMost = 3;

}  // namespace

Examples::Examples(const evidence::Evidence& evidence) {
  const Programs programs(evidence);
  for (const evidence::Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    std::set<std::string>& paths = paths_[programs.of(process.key.exe)];
    for (const std::string_view path : evidence::paths_in(process)) {
      paths.emplace(path);
    }
  }
}

std::vector<std::string> Examples::of(const FileRule& rule) const {
  const auto paths = paths_.find(rule.program);
  if (rule.widened.empty() || paths == paths_.end()) {
    return {};
  }
  apparmor::Variables variables;
  for (const std::string& name : apparmor::variables_in(rule.pattern)) {
    variables[name] = {apparmor::variable_value(name)};
  }
  const auto pattern = apparmor::Pattern::parse(rule.pattern, variables);
  if (!pattern) {
    return {};  // a decision's, which rendering refuses
  }
  std::vector<std::string> found;
  std::size_t more = 0;
  for (const std::string& path : paths->second) {
    if (!pattern->matches(path)) {
      continue;
    }
    if (found.size() < kMost) {
      found.push_back(path);
    } else {
      ++more;
    }
  }
  if (more > 0) {
    found.back() += fmt::format(" and {} more", more);
  }
  return found;
}

}  // namespace vambrace::policy
