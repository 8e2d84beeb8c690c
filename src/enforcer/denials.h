#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "enforcer/apparmor/records.h"
#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::enforcer {

// One thing that the kernel refused while a workload ran under its policy.
struct Denial {
  std::string exe;
  evidence::Origin origin = evidence::Origin::App;
  // Exactly one of the three. Of AppArmor's, `exe` is the thread's name.
  std::optional<kernel::Syscall> syscall;
  std::optional<std::uint32_t> capability;
  std::optional<apparmor::Record> access;
  // Of a capability: the call that asked, and the kernel's functions.
  std::optional<kernel::Syscall> during;
  std::vector<std::string> functions;
  std::uint64_t count = 0;
  std::map<std::string, std::uint64_t> errnos;
  std::set<std::vector<std::uint64_t>> args;  // as kernel::arg_spec orders them
  bool expected = false;
  std::string why;  // why it is expected; empty otherwise
  auto operator<=>(const Denial&) const = default;
};

// What was refused in a trial, each judged, in the order of the evidence. The
// harness is left out: it was not confined.
//
// A refused call is expected if the policy says so, with that errno, unless the
// call ended otherwise when the bundle's evidence (`recorded`) was taken: then
// somebody misses it. Only clone3, for which every caller has another way, may
// have worked. A refused capability is expected
//   - if nothing depends on such checks (policy::capabilities::noise),
//   - if `granted` has it: the program had given it up itself,
//   - if `granted` has the one that the kernel asks for next
//     (policy::capabilities::asks_again),
//   - if the same check was refused, and never granted, in `recorded`,
//   - if the container runtime asked before it started the program: it has
//     given up what the policy does not grant, and a runtime that cannot do
//     without starts nothing.
std::vector<Denial> denials(const evidence::Evidence& trial,
                            const policy::Policy& policy,
                            const std::set<std::uint32_t>& granted,
                            const evidence::Evidence& recorded);

// What AppArmor refused in a trial. What it only logged, in complain mode, is
// expected.
std::vector<Denial> denials(const apparmor::Watched& watched);

// For people: one denial where only the kernel's functions differ.
std::vector<Denial> without_functions(const std::vector<Denial>& denials);

// "socket (x86_64) refused 3 times with EPERM in /usr/sbin/nginx; arguments
// 0x26 0x5 0x0".
std::string describe(const Denial& denial);

}  // namespace vambrace::enforcer
