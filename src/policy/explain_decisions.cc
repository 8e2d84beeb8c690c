#include "policy/explain_decisions.h"

#include "base/json.h"
#include "policy/apparmor/pattern.h"
#include "policy/apparmor/variables.h"

namespace vambrace::policy {
namespace {

bool pattern_matches(const std::string& text, const std::string& path) {
  apparmor::Variables variables;
  for (const std::string& name : apparmor::variables_in(text)) {
    variables[name] = {apparmor::variable_value(name)};
  }
  const auto pattern = apparmor::Pattern::parse(text, variables);
  return text == path || (pattern && pattern->matches(path));
}

bool is_about(const std::string& what, const Question& question) {
  const auto subject = parse_subject(what);
  if (!subject) {
    return false;  // the manifest's reader has refused it
  }
  if (const auto* call = std::get_if<SyscallSubject>(&*subject)) {
    return !question.name.empty() && call->name == question.name;
  }
  if (const auto* file = std::get_if<FileSubject>(&*subject)) {
    return !question.path.empty() &&
           pattern_matches(file->pattern, question.path);
  }
  const auto* capability = std::get_if<CapabilitySubject>(&*subject);
  return capability != nullptr && question.name.empty() &&
         question.path.empty() && capability->number == question.capability;
}

}  // namespace

std::vector<std::string> said_about(const Question& question,
                                    const std::vector<Decision>& decisions,
                                    const std::vector<Waiver>& waivers,
                                    std::string_view day) {
  std::vector<std::string> said;
  for (const Decision& decision : decisions) {
    if (is_about(decision.what, question)) {
      said.push_back(fmt::format(
          "decision \"{}: {}\" by {}: {}", json::quote_bytes(decision.what),
          json::quote_bytes(decision.choice), json::quote_bytes(decision.who),
          json::quote_bytes(decision.why)));
    }
  }
  for (const Waiver& waiver : waivers) {
    if (is_about(waiver.what, question)) {
      said.push_back(fmt::format("waived by {} until {}{}: {}",
                                 json::quote_bytes(waiver.who),
                                 json::quote_bytes(waiver.until),
                                 waiver.until < day ? ", which has passed" : "",
                                 json::quote_bytes(waiver.why)));
    }
  }
  return said;
}

}  // namespace vambrace::policy
