#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "enforcer/judgement.h"

namespace vambrace::enforcer {

// One capability, left out for one trial.
struct Omission {
  std::uint32_t number = 0;
  bool missed = false;
  std::string why;  // what went wrong without it; empty if nothing did
};

// The smallest set that trials confirm.
struct Minimum {
  std::vector<Omission> omissions;  // one for each granted capability
  std::set<std::uint32_t> capabilities;
  Judgement whole;  // of the trial with exactly this set
};

// A trial with exactly these capabilities.
using TryWith =
    std::function<Result<Judgement>(const std::set<std::uint32_t>&)>;

// Leaves each granted capability out in turn. What nobody misses goes; then the
// rest is tried as a whole. A capability is missed if the command fails, or if
// the kernel refused it where it had granted it, even though the command coped.
Result<Minimum> minimize(const std::set<std::uint32_t>& granted,
                         const TryWith& try_with);

}  // namespace vambrace::enforcer
