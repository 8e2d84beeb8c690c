#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/evidence.h"
#include "policy/policy.h"
#include "policy/seccomp/evaluate.h"
#include "policy/seccomp/profile.h"
#include "policy/stage.h"
#include "runtime/target.h"

// Evidence held against a policy as it was rendered, without a kernel.
namespace vambrace::policy {

// What a bundle's rendered layers are, for one target.
struct Rendering {
  const Policy& policy;
  const seccomp::Profile& profile;
  const runtime::Target& target;
  const std::set<std::uint32_t>& capabilities;
  Stage stage = Stage::Harden;
};

// One recorded fact that a layer would refuse.
struct WouldBeDenial {
  // The call, or the file, or the socket, or the signal, or the mount, or the
  // look into another process, or the capability.
  std::optional<kernel::Syscall> syscall;
  std::string path;    // as in the evidence; empty: no file
  std::string access;  // the letters that no rule allows
  // "inet stream", as in a network rule, "any" where the family is not known;
  // empty: no socket.
  std::string socket;
  std::string signal;  // "term"; empty: no signal
  // Of a signal: its receiver is no process of the workload.
  bool outside = false;
  std::string mount;  // "umount at /x/"; empty: no mount
  std::string trace;  // "read /usr/bin/top"; empty: no look
  std::uint32_t capability = 0;
  // "arg0 == 0x26, arg1 == 0x5"; empty: whatever its arguments.
  std::string arguments;
  evidence::ProcessKey process;
  std::set<std::string> phases;
  // How often the fact was seen; where one call was seen with several
  // arguments, of all of them together: evidence does not tell them apart.
  std::uint64_t count = 0;
  // What the kernel would do: of a call the filter's answer, of a capability
  // EPERM as a task without it gets.
  seccomp::Outcome outcome;
  // "its arguments were not recorded"; empty where nothing was in doubt.
  std::string doubt;
  auto operator<=>(const WouldBeDenial&) const = default;
};

struct Replay {
  std::uint64_t facts = 0;  // judged
  std::vector<WouldBeDenial> denials;
  // The same errno as was seen, or as the policy refuses on purpose.
  std::vector<WouldBeDenial> expected;
  // What the evidence does not tell enough of to say: hard links, whose old
  // name is in no recording.
  std::vector<WouldBeDenial> unknown;
};

// "syscall socket (arg0 == 0x26)", "file /etc/x (r)", "socket inet stream",
// "signal term", "umount at /x/", "ptrace read /bin/x", "capability CAP_CHOWN".
std::string describe(const WouldBeDenial& denial);

// Judges what app, helpers and probes did: each recorded tuple of arguments of
// each call by the profile on its target; each access to a file, socket that
// was made, signal that was sent, mount and look into another process by the
// rules of the AppArmor profile, where
// there is one; and each capability check that was granted and is not noise.
// Where arguments were not recorded and the profile asks for them, a refusal is
// assumed and the doubt is told. SCMP_ACT_LOG counts as a refusal: in observe
// it marks what harden would refuse.
//
// InvalidInput where the target's runtime refuses the profile.
Result<Replay> replay(const evidence::Evidence& evidence,
                      const Rendering& rendering);

}  // namespace vambrace::policy
