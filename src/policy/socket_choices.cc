#include "policy/socket_choices.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "policy/sockets.h"

namespace vambrace::policy {

void SocketChoices::add(SocketSubject socket, std::string choice,
                        Reason reason) {
  choices_.push_back({std::move(socket), std::move(choice), std::move(reason)});
}

void SocketChoices::open(
    const std::set<kernel::Arch>& arches, const std::set<std::string>& dropped,
    std::map<kernel::Syscall, SyscallRule>& rules,
    std::map<kernel::Syscall, ExpectedDenial>& expected) const {
  const auto open_call = [&](kernel::Arch arch, const std::string& name,
                             const Choice& choice) {
    const auto nr = kernel::syscall_number(arch, name);
    if (!nr || dropped.contains(name)) {
      return;
    }
    const kernel::Syscall syscall{arch, *nr};
    const std::set<ArgTuple> args = added(syscall, choice.socket);
    if (args.empty()) {
      return;
    }
    const auto [it, fresh] =
        rules.try_emplace(syscall, SyscallRule{syscall, args, {}});
    SyscallRule& rule = it->second;
    if (!fresh && !rule.args.empty()) {
      rule.args.insert(args.begin(), args.end());
    }
    rule.reasons.push_back(choice.reason);
    std::ranges::sort(rule.reasons);
    expected.erase(syscall);
  };
  for (const Choice& choice : choices_) {
    if (choice.choice != "add") {
      continue;
    }
    for (const kernel::Arch arch : arches) {
      open_call(arch, "socket", choice);
      if (choice.socket.family == "unix") {
        open_call(arch, "socketpair", choice);
      }
    }
  }
}

void SocketChoices::fence(std::vector<SyscallRule>& rules) const {
  std::erase_if(rules, [&](SyscallRule& rule) {
    if (!makes_sockets(rule.syscall) || rule.args.empty()) {
      return false;
    }
    std::erase_if(rule.args,
                  [&](const ArgTuple& tuple) { return is_dropped(tuple); });
    return rule.args.empty();
  });
}

// Of a family of which one type was dropped later, the others one by one.
std::set<ArgTuple> SocketChoices::added(kernel::Syscall syscall,
                                        const SocketSubject& socket) const {
  std::set<ArgTuple> tuples = {making(syscall, socket.family, socket.type)};
  if (socket.type.empty() && is_dropped(*tuples.begin())) {
    tuples.clear();
    for (const std::string_view type : socket_types()) {
      tuples.insert(making(syscall, socket.family, type));
    }
  }
  std::erase_if(tuples,
                [&](const ArgTuple& tuple) { return is_dropped(tuple); });
  return tuples;
}

// The last decision about such a socket counts.
bool SocketChoices::is_dropped(const ArgTuple& tuple) const {
  bool dropped = false;
  for (const Choice& one : choices_) {
    if (makes(tuple, one.socket.family, one.socket.type)) {
      dropped = one.choice == "drop" || (dropped && one.choice != "add");
    }
  }
  return dropped;
}

}  // namespace vambrace::policy
