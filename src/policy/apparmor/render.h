#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/apparmor/profile.h"
#include "policy/policy.h"
#include "policy/stage.h"
#include "runtime/target.h"

namespace vambrace::policy::apparmor {

struct RenderOptions {
  // Reasons before each rule, and what `examples` has for it.
  bool comments = false;
  std::function<std::vector<std::string>(const policy::FileRule&)> examples;
  // For a trial in a mount namespace of its own: files of the namespace that it
  // came from are judged by their path there instead of being refused.
  bool other_namespaces = false;
  // Paths by which the main program may be read and mapped beside its own.
  std::vector<std::string> second_paths;
};

struct Rendered {
  // nullopt: the evidence tells no file, and a profile that denies everything
  // helps nobody.
  std::optional<Profile> profile;
  // apparmor.profile, ready to be written; without a profile only comments.
  std::string text;
  // Of the policy's abstractions: those that the profile or a child includes,
  // and why it does not include the others.
  std::set<std::string> included;
  std::map<std::string, std::string> passed_over;
  // What the profile cannot hold, what includes allow, and what lint.h remarks
  // about it. Sorted.
  std::vector<Finding> findings;
};

// The profile of a policy for a target at a stage, with the capabilities that
// the target gives. Its name holds a hash of its rules. The same policy gives
// the same bytes.
//
// The main program has the profile's own rules. A helper has a child profile
// that it enters when it is started; as far as a profile can name so many:
// where it cannot, the helpers that may do least share one, and a finding says
// so. Where the target sets no_new_privs the kernel refuses to change the
// profile at execve, so there the helpers' rules become the main program's, and
// a finding says so.
//
// Where one of the policy's abstractions allows what several rules do and not
// much more (fitting.h), it is included instead of them.
//
// Whoever is not confined may send signals, and so may the target's runtime;
// programs of the workload may send each other what one of them sent. Looking
// into another (ptrace) is allowed between the two programs that did it; where
// it was not recorded whom it was, or not watched, among all of them; and
// outside with whoever is not confined. A program that was executed and never
// ran inherits the profile of who started it.
//
// InvalidInput for a pattern that AppArmor cannot read.
Result<Rendered> render(const Policy& policy, const runtime::Target& target,
                        Stage stage,
                        const std::set<std::uint32_t>& capabilities,
                        const RenderOptions& options = {});

}  // namespace vambrace::policy::apparmor
