#include "policy/sockets.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "kernel/sockets.h"
#include "policy/arguments.h"
#include "policy/drafts.h"
#include "policy/programs.h"

namespace vambrace::policy {
namespace {

// Whether the argument may be what the name is of: one that is not compared is
// any.
template <class Named>
bool may_be(const ArgTuple& tuple, std::uint8_t index, std::string_view name,
            Named named) {
  const auto match = std::ranges::find(tuple, index, &ArgMatch::index);
  return match == tuple.end() || named(match->value) == name;
}

// The family and the type that one tuple of arguments names.
SocketKind kind_of(const std::vector<std::uint64_t>& tuple) {
  SocketKind kind;
  if (tuple.empty()) {
    return kind;
  }
  kind.family = kernel::socket_family_name(tuple[0]).value_or("");
  if (!kind.family.empty() && tuple.size() > 1) {
    kind.type = kernel::socket_type_name(tuple[1]).value_or("");
  }
  return kind;
}

using ByProgram = std::map<std::string, std::set<std::string>>;

void tell_signals(const ByProgram& outside, const ByProgram& unknown,
                  Policy& policy) {
  for (const auto& [program, signals] : outside) {
    policy.findings.push_back(
        {"signal-outside", "medium", place_of("signals", program),
         fmt::format("sent signals to processes that are not the workload's "
                     "({}): no rule allows it, and AppArmor refuses it",
                     fmt::join(signals, ", ")),
         "have somebody outside of the workload send them, or do without"});
  }
  for (const auto& [program, signals] : unknown) {
    policy.findings.push_back(
        {"signal-receiver-unknown", "low", place_of("signals", program),
         fmt::format("sent signals, and to whom was not recorded ({}): they "
                     "are allowed to the workload's own processes alone",
                     fmt::join(signals, ", ")),
         "if others get them too, AppArmor will refuse those"});
  }
}

// Beyond every family and type that the kernel has.
constexpr std::uint64_t kNumbers = 64;

// AppArmor's word for a family or type of evidence, which has a number where it
// knows no name; empty: there is none.
template <class Named>
std::string word_of(std::string_view text, Named named) {
  std::uint64_t number = kNumbers;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  const bool is_number = read.ec == std::errc() && read.ptr == end;
  for (std::uint64_t at = 0; at < kNumbers; ++at) {
    const auto name = named(at);
    if (name && (is_number ? at == number : *name == text)) {
      return std::string(*name);
    }
  }
  return "";
}

}  // namespace

bool makes_sockets(kernel::Syscall syscall) {
  const auto name = kernel::syscall_name(syscall);
  return name == "socket" || name == "socketpair" || name == "socketcall";
}

bool makes(const ArgTuple& tuple, std::string_view family,
           std::string_view type) {
  return may_be(tuple, 0, family, kernel::socket_family_name) &&
         (type.empty() || may_be(tuple, 1, type, kernel::socket_type_name));
}

ArgTuple making(kernel::Syscall syscall, std::string_view family,
                std::string_view type) {
  const auto number = [](std::string_view name, auto named) {
    std::uint64_t at = 0;
    while (at < kNumbers && named(at) != name) {
      ++at;
    }
    return at;
  };
  ArgTuple tuple;
  for (const PinnedArgument& pinned : pinned_arguments(syscall)) {
    if (pinned.index == 0) {
      tuple.push_back({pinned.index, pinned.mask,
                       number(family, kernel::socket_family_name)});
    } else if (pinned.index == 1 && !type.empty()) {
      tuple.push_back(
          {pinned.index, pinned.mask, number(type, kernel::socket_type_name)});
    }
  }
  return tuple;
}

std::set<std::string_view> socket_types() {
  std::set<std::string_view> types;
  for (std::uint64_t at = 0; at < kNumbers; ++at) {
    if (const auto name = kernel::socket_type_name(at)) {
      types.insert(*name);
    }
  }
  return types;
}

std::set<SocketKind> sockets_of(const evidence::SyscallFact& fact) {
  if (!makes_sockets(fact.syscall) || evidence::total(fact.by).count == 0) {
    return {};
  }
  if (!fact.args || fact.args->unbounded || fact.args->tuples.empty()) {
    return {{}};
  }
  std::set<SocketKind> kinds;
  for (const auto& tuple : fact.args->tuples) {
    kinds.insert(kind_of(tuple));
  }
  return kinds;
}

std::set<SocketKind> sockets_of(const evidence::NetworkFact& fact) {
  if (fact.operation != "inherit" || evidence::total(fact.by).count == 0) {
    return {};
  }
  SocketKind kind;
  kind.family = word_of(fact.family, kernel::socket_family_name);
  if (!kind.family.empty()) {
    kind.type = word_of(fact.type, kernel::socket_type_name);
  }
  return {std::move(kind)};
}

std::string signal_of(const evidence::SignalFact& fact) {
  if (const auto name = kernel::signal_name(fact.signal)) {
    return std::string(*name);
  }
  const bool real_time = fact.signal >= kernel::kFirstRealTimeSignal &&
                         fact.signal <= kernel::kLastSignal;
  return real_time ? fmt::format("rtmin+{}",
                                 fact.signal - kernel::kFirstRealTimeSignal)
                   : "";
}

void add_sockets(const evidence::Evidence& evidence, Policy& policy) {
  const Programs programs(evidence);
  Drafts<SocketRule> drafts;
  for (const evidence::Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    const std::string program = programs.of(process.key.exe);
    const auto add_all = [&](const auto& facts) {
      for (const auto& fact : facts) {
        for (const SocketKind& kind : sockets_of(fact)) {
          drafts[{.program = program,
                  .family = kind.family,
                  .type = kind.type,
                  .reasons = {}}]
              .add(Cause::Observed, process.key, evidence::total(fact.by));
        }
      }
    };
    add_all(process.syscalls);
    add_all(process.network);
  }
  policy.sockets = finished(drafts);
  for (const SocketRule& rule : policy.sockets) {
    if (rule.family.empty()) {
      policy.findings.push_back({"socket-family-unknown", "medium",
                                 place_of("network", rule.program),
                                 "made or got sockets of a family that was not "
                                 "recorded or has no name; any "
                                 "family is granted",
                                 "record without --light"});
    }
  }
}

void add_signals(const evidence::Evidence& evidence, Policy& policy) {
  const Programs programs(evidence);
  Drafts<SignalRule> drafts;
  ByProgram outside;
  ByProgram unknown;
  for (const evidence::Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    for (const evidence::SignalFact& fact : process.signals) {
      const std::string signal = signal_of(fact);
      if (signal.empty()) {
        continue;
      }
      const std::string program = programs.of(process.key.exe);
      if (fact.other == evidence::Side::Outside) {
        outside[program].insert(signal);
        continue;
      }
      if (fact.other == evidence::Side::Unknown) {
        unknown[program].insert(signal);
      }
      drafts[{.program = program, .signal = signal, .reasons = {}}].add(
          Cause::Observed, process.key, evidence::total(fact.by));
    }
  }
  policy.signals = finished(drafts);
  tell_signals(outside, unknown, policy);
}

}  // namespace vambrace::policy
