#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "repository/bundle.h"
#include "repository/compose.h"

namespace vambrace::cli {

// The abstractions that a bundle's profile may include.
struct BundleAbstractions {
  std::vector<policy::Abstraction> all;
  // They are a whole folder's: what fits is looked for among them.
  std::optional<std::string> folder;
  std::size_t unread = 0;  // of that folder, which are not compared
};

// With `asked`, a folder such as /etc/apparmor.d, those in it that can be
// compared; else those that bundle.yaml names, as policy.json in the bundle has
// them: InvalidInput if it has not.
Result<BundleAbstractions> bundle_abstractions(
    const Environment& environment, const std::string& directory,
    const std::optional<std::string>& asked,
    const repository::Manifest& manifest);

// That none of a folder fits, and that one of bundle.yaml does not, and why.
std::vector<policy::Finding> about(const BundleAbstractions& abstractions,
                                   const policy::apparmor::Rendered& rendered);

}  // namespace vambrace::cli
