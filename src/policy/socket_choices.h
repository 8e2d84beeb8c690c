#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "kernel/syscalls.h"
#include "policy/decision.h"
#include "policy/policy.h"

namespace vambrace::policy {

// What people decided about sockets, for the filter: it is to let through what
// AppArmor allows of a family that was added, and to refuse what that refuses
// of one that was dropped, where its rules tell families apart.
class SocketChoices {
 public:
  void add(SocketSubject socket, std::string choice, Reason reason);

  // Opens the calls that make sockets of the families that were added: socket,
  // and socketpair, which makes those of unix alone. Not calls that were
  // dropped, by name.
  void open(const std::set<kernel::Arch>& arches,
            const std::set<std::string>& dropped,
            std::map<kernel::Syscall, SyscallRule>& rules,
            std::map<kernel::Syscall, ExpectedDenial>& expected) const;

  // Takes from the rules the families that were dropped.
  void fence(std::vector<SyscallRule>& rules) const;

 private:
  struct Choice {
    SocketSubject socket;
    std::string choice;
    Reason reason;
  };

  std::set<ArgTuple> added(kernel::Syscall syscall,
                           const SocketSubject& socket) const;
  bool is_dropped(const ArgTuple& tuple) const;

  std::vector<Choice> choices_;
};

}  // namespace vambrace::policy
