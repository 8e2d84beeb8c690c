#pragma once

#include <set>
#include <string>
#include <string_view>

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy {

// What kind of socket, in AppArmor's words.
struct SocketKind {
  std::string family;  // "inet"; empty: not known
  std::string type;    // "stream"; empty: not known, or it has no name
  auto operator<=>(const SocketKind&) const = default;
};

// The sockets that a call made by being let through; none where it makes none
// or never was. Arguments that were not recorded make one that is not known.
std::set<SocketKind> sockets_of(const evidence::SyscallFact& fact);

// The socket that a program was started with, or got from another process; none
// of another operation. To use it AppArmor asks for what it asks to make one.
std::set<SocketKind> sockets_of(const evidence::NetworkFact& fact);

// "term", "rtmin+3"; empty: the kernel refuses such a number.
std::string signal_of(const evidence::SignalFact& fact);

// Adds which sockets each program made or was given and which signals it sent.
// Arguments that were not recorded make a rule for any family, with a finding.
// No rule is made of a signal to a process outside of the workload: a finding
// tells.
void add_sockets(const evidence::Evidence& evidence, Policy& policy);
void add_signals(const evidence::Evidence& evidence, Policy& policy);

// socket, socketpair and what i386 makes of them.
bool makes_sockets(kernel::Syscall syscall);

// Whether a tuple of a rule on one of these lets a socket of this family, and
// of this type if it is not empty, be made.
bool makes(const ArgTuple& tuple, std::string_view family,
           std::string_view type);

// The tuple of a rule on one of these that lets a socket of this family, and of
// this type if it is not empty, be made, of whatever protocol.
ArgTuple making(kernel::Syscall syscall, std::string_view family,
                std::string_view type);

// The types that have names.
std::set<std::string_view> socket_types();

}  // namespace vambrace::policy
