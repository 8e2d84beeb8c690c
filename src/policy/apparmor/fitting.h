#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/apparmor/profile.h"

// Which abstractions a profile includes instead of rules of its own.
namespace vambrace::policy::apparmor {

struct Fitting {
  std::set<std::string> taken;  // names, in the profile or in a child
  // Why not, for each other one: "it takes everything below /usr/".
  std::map<std::string, std::string> passed_over;
  std::vector<Finding> findings;  // one for each include
};

// Replaces file rules of a profile and of its children by includes, wherever
// these fit and are not much wider:
//
//   * at least two rules are replaced, each one allowed by the abstraction in
//     full: what the profile allowed it still does,
//   * at least half of the abstraction's rules allow something that a rule of
//     the profile did,
//   * what it lets be written, appended to, locked, linked or mapped to run,
//     the profile did as well: an include adds reading alone,
//   * no rule of it reaches a sensitive path or takes all of a folder of the
//     system.
//
// The one that replaces most rules comes first, then what fits what is left.
// Its variables become the profile's; one that has another value there does not
// fit, save @{pid} and @{tid}, which are as wide or wider in our profiles.
//
// A finding names the rules that were replaced, and what is allowed beyond.
// InvalidInput for a pattern that AppArmor cannot read.
Result<Fitting> include_fitting(Profile& profile,
                                const std::vector<Abstraction>& candidates);

}  // namespace vambrace::policy::apparmor
