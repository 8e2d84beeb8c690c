#include "policy/decided_needs.h"

#include <algorithm>

#include "policy/apparmor/pattern_text.h"
#include "policy/file_decisions.h"
#include "policy/files.h"
#include "policy/securitycontext/needs.h"

namespace vambrace::policy {
namespace {

// What the policy denies, ready to be asked.
class Denials {
 public:
  explicit Denials(const std::vector<FileDenial>& denied) {
    for (const FileDenial& denial : denied) {
      // One that cannot be read was refused as a decision.
      if (auto pattern = decided_pattern(denial.pattern)) {
        all_.emplace_back(std::move(*pattern), &denial);
      }
    }
  }

  void take(std::string& access, std::string_view path) const {
    for (const auto& [pattern, denial] : all_) {
      if (access.find_first_of(denial->access) != std::string::npos &&
          pattern.matches(path)) {
        std::erase_if(access,
                      [&](char c) { return denial->access.contains(c); });
      }
    }
  }

 private:
  std::vector<std::pair<apparmor::Pattern, const FileDenial*>> all_;
};

evidence::Evidence allowed_of(evidence::Evidence evidence,
                              const Denials& denials) {
  for (evidence::Process& process : evidence.processes) {
    for (evidence::FileFact& fact : process.files) {
      if (const auto path = mediated_path(fact)) {
        denials.take(fact.access, *path);
      }
    }
  }
  return evidence;
}

bool is_added(const FileRule& rule) {
  return std::ranges::all_of(rule.reasons, [](const Reason& reason) {
    return reason.cause == Cause::Decision;
  });
}

// The last name of a pattern may stand for several; its folder may not.
bool tells_folder(std::string_view pattern) {
  return pattern.rfind('/') < apparmor::plain_start(pattern).size();
}

}  // namespace

Needs decided_needs(const evidence::Evidence& evidence, const Policy& policy) {
  const Denials denials(policy.denied);
  std::set<std::string> untold;
  std::vector<securitycontext::Added> added;
  for (const FileRule& rule : policy.files) {
    std::string access = is_added(rule) ? rule.access : "";
    denials.take(access, rule.pattern);
    if (access.find_first_of("acdlopw") == std::string::npos) {
      continue;
    }
    if (tells_folder(rule.pattern)) {
      added.push_back({rule.pattern, access, rule.reasons});
    } else {
      untold.insert(rule.pattern);
    }
  }
  Needs needs = securitycontext::needs_of(evidence, added);
  if (!policy.denied.empty()) {
    Needs allowed =
        securitycontext::needs_of(allowed_of(evidence, denials), added);
    needs.writable = std::move(allowed.writable);
    needs.mounted = std::move(allowed.mounted);
    needs.apart = std::move(allowed.apart);
  }
  needs.untold = std::move(untold);
  return needs;
}

}  // namespace vambrace::policy
