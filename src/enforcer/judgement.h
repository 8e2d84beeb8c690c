#pragma once

#include <set>
#include <string>
#include <vector>

#include "enforcer/denials.h"
#include "enforcer/report.h"

namespace vambrace::enforcer {

// What one trial says about a policy.
struct Judgement {
  int status = 0;                     // of the command
  std::uint64_t started = 0;          // workloads that took the policy
  std::vector<std::string> failures;  // workloads that could not
  std::vector<Denial> unexpected;
  std::vector<Denial> expected;
  // Kinds of loss that make "no denial" unproven, with their details.
  std::vector<std::string> losses;
  // The AppArmor profile that was in force; empty: none, and why.
  std::string profile;
  std::string unproved;
  std::string kept;  // why the profile is still loaded; empty: it is not

  bool proven() const { return started > 0; }
  bool holds() const {
    return proven() && status == 0 && failures.empty() && unexpected.empty() &&
           losses.empty();
  }
};

Judgement judge(int status, const Report& report,
                const std::vector<evidence::Evidence>& trial,
                const apparmor::Watched& watched, const policy::Policy& policy,
                const std::set<std::uint32_t>& granted,
                const evidence::Evidence& recorded);

}  // namespace vambrace::enforcer
