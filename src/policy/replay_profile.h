#pragma once

#include "base/result.h"
#include "evidence/evidence.h"
#include "policy/replay.h"

namespace vambrace::policy {

// Adds to a replay what the AppArmor profile of the rendering would refuse of
// accesses to files, of sockets, signals, mounts and looks into other
// processes: EACCES, or logged before harden. Nothing is judged where there is
// no profile.
//
// Files on no mount are not judged; AppArmor does not look at them. Of a socket
// its making is judged, by family and type; a kernel that mediates unix sockets
// by address may refuse more. To whom a signal went is not in the evidence: it
// is taken for another process of the workload, and so is a process that was
// looked into and is not known.
Result<> replay_profile(const evidence::Evidence& evidence,
                        const Rendering& rendering, Replay& replay);

}  // namespace vambrace::policy
