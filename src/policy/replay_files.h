#pragma once

#include "base/result.h"
#include "evidence/evidence.h"
#include "policy/replay.h"

namespace vambrace::policy {

// Adds to a replay the accesses to files that the AppArmor profile of the
// rendering would refuse: EACCES, or logged before harden. Files on no mount
// are not judged; AppArmor does not look at them. Nothing is judged where there
// is no profile.
Result<> replay_files(const evidence::Evidence& evidence,
                      const Rendering& rendering, Replay& replay);

}  // namespace vambrace::policy
