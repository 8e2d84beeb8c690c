#pragma once

#include <tuple>

#include "evidence/evidence.h"

// What all kinds of fact have in common, for the code that treats them alike
// (merging, printing, comparing).
namespace vambrace::evidence {

// What makes a fact the one it is: everything but its shares and arguments.
inline auto key_of(const SyscallFact& f) {
  return f.syscall;
}
inline auto key_of(const FileFact& f) {
  return std::tie(f.path, f.access, f.owner);
}
inline auto key_of(const CapabilityFact& f) {
  return std::tie(f.number, f.during, f.functions, f.audited, f.overridden,
                  f.user_namespace);
}
inline auto key_of(const NetworkFact& f) {
  return std::tie(f.operation, f.family, f.type, f.protocol, f.address, f.port);
}
inline auto key_of(const ExecFact& f) {
  return std::tie(f.path);
}
inline auto key_of(const SignalFact& f) {
  return std::tie(f.signal, f.other);
}
inline auto key_of(const UserFact& f) {
  return std::tie(f.uid, f.gid, f.raised);
}
inline auto key_of(const MountFact& f) {
  return std::tie(f.operation, f.fstype, f.options, f.source, f.target);
}
inline auto key_of(const TraceFact& f) {
  return std::tie(f.access, f.other, f.exe);
}

// Calls visit(list...) for each kind of fact of one or more processes.
template <class Visit, class... P>
void each_list(Visit visit, P&&... p) {
  visit(p.syscalls...);
  visit(p.files...);
  visit(p.capabilities...);
  visit(p.network...);
  visit(p.execs...);
  visit(p.signals...);
  visit(p.users...);
  visit(p.mounts...);
  visit(p.traces...);
}

// Sums stop at the largest number: a hostile count cannot wrap around.
void add(Share& to, const Share& from);

// Several values in one text field, as compact() leaves them: "6.1, 6.18".
std::set<std::string> listed(std::string_view text);
std::string list(const std::set<std::string>& values);

// Folds the facts of `from` into the equal fact `to`. Arguments that one side
// saw and the other did not watch become unbounded.
template <class Fact>
void absorb_arguments(Fact& /*to*/, const Fact& /*from*/) {}
void absorb_arguments(SyscallFact& to, const SyscallFact& from);

}  // namespace vambrace::evidence
