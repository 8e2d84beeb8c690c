#pragma once

#include <string>

#include "base/files.h"
#include "base/result.h"
#include "enforcer/dress.h"

namespace vambrace::enforcer {

// Whether the AppArmor profile of a dress is put on, on this host.
struct ProfileChoice {
  bool on = false;
  // A sentence, if it is not.
  std::string why_not;
};

// Where the kernel has AppArmor, unless bundle.yaml says apparmor: false.
// Containers get it only where bundle.yaml says apparmor: true, as in the files
// that are rendered for engines: they have a profile of their own. Unsupported
// where the target says that its hosts have it, and this one does not: nothing
// is to run there with less than was reviewed.
Result<ProfileChoice> choose_profile(const Files& files, const Dress& dress);

}  // namespace vambrace::enforcer
