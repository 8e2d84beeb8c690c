#pragma once

#include <vector>

#include "base/result.h"
#include "policy/policy.h"
#include "policy/seccomp/profile.h"
#include "policy/stage.h"
#include "runtime/layer.h"
#include "runtime/target.h"

namespace vambrace::policy::seccomp {

// KEP-6061 takes no more entries and bytes.
constexpr std::size_t kMaxEntries = 128;
constexpr std::size_t kMaxBytes = 1U << 20;

struct RenderOptions {
  // A local calibration; nullptr: the layer that ships for the target. Must
  // outlive the call.
  const runtime::RuntimeLayer* layer = nullptr;
  // In harden, calls that no container workload has a use for end the process
  // instead of failing.
  bool kill_never_legitimate = false;
};

struct Rendered {
  Profile profile;
  // What had to be widened, or could not be written: sorted.
  std::vector<Finding> findings;
};

// The policy as one target's runtime takes it, with the runtime's own layer.
//
//   observe  everything is allowed; what harden would refuse is logged
//   allow    as observe, but high-risk calls without a rule are refused
//   harden   only the policy; the rest fails
//
// A refused call gets ENOSYS where a libc then tries another way or where a
// program must expect an older kernel, EPERM otherwise. runc answers ENOSYS to
// numbers above the ones that the profile names, and Docker 20.10 drops
// defaultErrnoRet, so for targets on runc the default is EPERM with the ENOSYS
// calls listed; for the others the default is ENOSYS with the EPERM calls
// listed. Arguments that no tuple matches get the default.
//
// An OCI profile grants by name, not by architecture: with several
// architectures a name that one of them grants is granted on all.
//
// Pure: the same policy, target and stage give equal profiles. Denied if the
// result does not fit kMaxEntries or kMaxBytes after all widening.
Result<Rendered> render(const Policy& policy, const runtime::Target& target,
                        Stage stage, const RenderOptions& options = {});

}  // namespace vambrace::policy::seccomp
