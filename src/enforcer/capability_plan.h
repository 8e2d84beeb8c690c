#pragma once

#include <cstdint>

namespace vambrace::enforcer {

// Capability sets as bit masks, CAP_CHOWN at bit 0.
using CapabilityMask = std::uint64_t;

constexpr CapabilityMask mask_of(unsigned number) {
  return CapabilityMask{1} << number;
}

constexpr CapabilityMask kCapSetpcap = mask_of(8);
constexpr CapabilityMask kCapSysAdmin = mask_of(21);

// What the task that is about to be confined holds.
struct HeldCapabilities {
  CapabilityMask permitted = 0;
  CapabilityMask bounding = 0;
  // The program will run as uid 0 and execve will treat that uid as root
  // (SECBIT_NOROOT is not set).
  bool root = true;
};

enum class CapabilityProblem : std::uint8_t {
  None,
  Missing,           // a capability of the policy is not held
  BoundingFixed,     // the bounding set cannot be cut without CAP_SETPCAP
  FilterNeedsAdmin,  // without no_new_privs a filter needs CAP_SYS_ADMIN
};

// The steps that leave exactly the policy's set once the program has started.
//
// Nothing but execve may follow the filter, so the last cut is left to execve
// itself: as root it grants what the bounding set holds, as any other user what
// the ambient set holds. That lets CAP_SYS_ADMIN stay until the filter is
// loaded without reaching the program.
struct CapabilityPlan {
  CapabilityProblem problem = CapabilityProblem::None;
  CapabilityMask concerned = 0;      // what the problem is about
  CapabilityMask drop_bounding = 0;  // first, needs CAP_SETPCAP
  CapabilityMask until_exec = 0;     // permitted and effective until execve
  CapabilityMask inheritable = 0;
  CapabilityMask ambient = 0;
};

// `lenient` takes the part of `wanted` that is held, as an engine does for a
// program that does not start as root; otherwise what is missing is a problem.
// With no_new_privs a bounding set that cannot be cut is left as it is: no
// execve can gain anything from it.
constexpr CapabilityPlan plan_capabilities(CapabilityMask wanted,
                                           const HeldCapabilities& held,
                                           bool no_new_privs, bool lenient) {
  CapabilityPlan plan;
  const CapabilityMask missing = wanted & ~(held.permitted & held.bounding);
  if (missing != 0 && !lenient) {
    plan.problem = CapabilityProblem::Missing;
    plan.concerned = missing;
    return plan;
  }
  const CapabilityMask granted = wanted & ~missing;
  if (!no_new_privs && (held.permitted & kCapSysAdmin) == 0) {
    plan.problem = CapabilityProblem::FilterNeedsAdmin;
    plan.concerned = kCapSysAdmin;
    return plan;
  }
  plan.drop_bounding = held.bounding & ~wanted;
  if (plan.drop_bounding != 0 && (held.permitted & kCapSetpcap) == 0) {
    if (!no_new_privs) {
      plan.problem = CapabilityProblem::BoundingFixed;
      plan.concerned = plan.drop_bounding;
      return plan;
    }
    plan.drop_bounding = 0;
  }
  plan.ambient = held.root ? 0 : granted;
  plan.inheritable = plan.ambient;
  plan.until_exec = granted | (no_new_privs ? 0 : kCapSysAdmin);
  return plan;
}

}  // namespace vambrace::enforcer
