#include "review/decisions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/json.h"
#include "evidence/span.h"
#include "policy/file_decisions.h"
#include "policy/files.h"
#include "policy/reasons.h"
#include "policy/sockets.h"
#include "review/grants.h"

namespace vambrace::review {
namespace {

// A state and why it is so.
struct Standing {
  std::string state;
  std::string because;
};

enum class Enforced : std::uint8_t { No, Untold, Yes };

bool has_note(const Grant& grant, const policy::Decision& decision) {
  // As synthesis writes it into a rule's reasons.
  const std::string note =
      fmt::format("{} by {}: {}", decision.choice, decision.who, decision.why);
  return std::ranges::any_of(grant.reasons, [&](const policy::Reason& reason) {
    return reason.cause == policy::Cause::Decision && reason.note == note;
  });
}

class Judge {
 public:
  Judge(const Inputs& inputs, const std::vector<Grant>& grants,
        const std::vector<Candidate>& candidates)
      : inputs_(inputs), grants_(grants), candidates_(candidates) {
    for (const evidence::Process& process : inputs.evidence.processes) {
      if (policy::counts(process.key.origin)) {
        processes_.push_back(&process);
      }
    }
  }

  Standing of(const DecidedSubject& one) const {
    if (one.decision.choice != "drop") {
      return allowed(one);
    }
    if (const auto* file = std::get_if<policy::FileSubject>(&one.subject)) {
      return dropped(*file);
    }
    if (const auto* socket = std::get_if<policy::SocketSubject>(&one.subject)) {
      return dropped(*socket);
    }
    if (const auto* signal = std::get_if<policy::SignalSubject>(&one.subject)) {
      return dropped(*signal);
    }
    if (const auto* call = std::get_if<policy::SyscallSubject>(&one.subject)) {
      return dropped(*call);
    }
    return dropped(std::get<policy::CapabilitySubject>(one.subject));
  }

 private:
  // Whether AppArmor refuses what the profile does not allow.
  Enforced by_apparmor() const {
    const std::optional<bool>& told = inputs_.target.apparmor;
    if (!told.value_or(true) || !inputs_.policy.files_known) {
      return Enforced::No;
    }
    const bool alone = inputs_.target.runtime == runtime::Runtime::Process;
    return told || alone ? Enforced::Yes : Enforced::Untold;
  }

  // Of what AppArmor alone can refuse and the profile does refuse.
  Standing in_apparmor(bool seen) const {
    const Standing applied = applied_if(seen);
    const Enforced enforced = by_apparmor();
    if (applied.state == "idle" || enforced == Enforced::Yes) {
      return applied;
    }
    return enforced == Enforced::No
               ? Standing{"ineffective",
                          "only AppArmor could refuse it, and the target does "
                          "not use it"}
               : Standing{"partial",
                          "only AppArmor refuses it, and the bundle tells no "
                          "engine of the profile: apparmor: true under target "
                          "in bundle.yaml does"};
  }

  // Where nothing was recorded, nothing can be called idle.
  Standing applied_if(bool seen) const {
    return seen || processes_.empty()
               ? Standing{"applied", ""}
               : Standing{"idle", "nothing that was seen or granted is meant"};
  }

  // Keep and add.
  Standing allowed(const DecidedSubject& one) const {
    bool granted = false;
    bool told = false;
    for (const Grant& grant : grants_) {
      if (speaks_of(one.subject, grant) &&
          !grant.traits.contains(Trait::RuntimeOnly)) {
        granted = true;
        told = told || has_note(grant, one.decision);
      }
    }
    if (told) {
      const auto* file = std::get_if<policy::FileSubject>(&one.subject);
      const auto* socket = std::get_if<policy::SocketSubject>(&one.subject);
      const std::string denied = file != nullptr     ? denied_by(*file)
                                 : socket != nullptr ? filtered(*socket)
                                                     : "";
      return denied.empty() ? Standing{"applied", ""}
                            : Standing{"ineffective", denied};
    }
    return granted || one.decision.choice == "add"
               ? Standing{"pending", ""}
               : Standing{"idle", "there is no such rule to keep"};
  }

  // AppArmor may allow what no call can make. One that was handed on needs no
  // call.
  std::string filtered(const policy::SocketSubject& socket) const {
    return permitting_call(socket).empty() && !was_handed_on(socket)
               ? "AppArmor allows it, and seccomp refuses every call that "
                 "makes such a socket"
               : "";
  }

  // What another decision dropped wins.
  std::string denied_by(const policy::FileSubject& file) const {
    const auto pattern = policy::decided_pattern(file.pattern);
    for (const policy::FileDenial& denial : inputs_.policy.denied) {
      const auto other = policy::decided_pattern(denial.pattern);
      if (file.access.find_first_of(denial.access) != std::string::npos &&
          pattern && other && overlap(*pattern, *other)) {
        return fmt::format("\"file {} {}\" is dropped, which wins",
                           json::quote_bytes(denial.pattern), denial.access);
      }
    }
    return "";
  }

  Standing dropped(const policy::FileSubject& file) const {
    const auto pattern = policy::decided_pattern(file.pattern);
    const std::string letters = policy::refused_with(file.access);
    const bool meant = pattern && is_meant(*pattern, letters);
    const auto denial = std::ranges::find(inputs_.policy.denied, file.pattern,
                                          &policy::FileDenial::pattern);
    const bool denied = denial != inputs_.policy.denied.end() &&
                        std::ranges::all_of(letters, [&](char c) {
                          return denial->access.contains(c);
                        });
    if (!denied) {
      return meant || processes_.empty() ? Standing{"pending", ""}
                                         : applied_if(false);
    }
    return in_apparmor(meant);
  }

  // Whether a rule allows, or a program did, what is dropped.
  bool is_meant(const policy::apparmor::Pattern& pattern,
                std::string_view letters) const {
    const bool granted = std::ranges::any_of(
        inputs_.policy.files, [&](const policy::FileRule& rule) {
          const auto own = policy::decided_pattern(rule.pattern);
          return rule.access.find_first_of(letters) != std::string::npos &&
                 own && overlap(*own, pattern);
        });
    return granted || std::ranges::any_of(processes_, [&](const auto* process) {
             return std::ranges::any_of(
                 process->files, [&](const evidence::FileFact& fact) {
                   const auto path = policy::mediated_path(fact);
                   return fact.access.find_first_of(letters) !=
                              std::string::npos &&
                          path && pattern.matches(*path);
                 });
           });
  }

  // Two layers can refuse a socket: what one of them permits is told.
  Standing dropped(const policy::SocketSubject& socket) const {
    bool wide = false;
    for (const policy::SocketRule& rule : inputs_.policy.sockets) {
      if (rule.family == socket.family &&
          (socket.type.empty() || rule.type == socket.type)) {
        return {"pending", ""};
      }
      wide = wide || rule.family.empty() ||
             (rule.family == socket.family && rule.type.empty());
    }
    const Enforced enforced = by_apparmor();
    const std::string call = permitting_call(socket);
    if (call.empty()) {
      return wide && enforced == Enforced::Yes
                 ? Standing{"partial",
                            "still permitted by AppArmor, which is given more "
                            "than this family and type"}
                 : applied_if(was_made(socket));
    }
    const std::string still = "still permitted by " + call;
    if (enforced != Enforced::No && !wide) {
      return {"partial", still};
    }
    return {"ineffective",
            still + (wide ? " and by AppArmor"
                          : "; the target does not use AppArmor")};
  }

  // What lets the filter make such a socket; empty: nothing.
  std::string permitting_call(const policy::SocketSubject& socket) const {
    const auto permits = [&](const std::set<policy::ArgTuple>& args) {
      return args.empty() ||
             std::ranges::any_of(args, [&](const policy::ArgTuple& tuple) {
               return policy::makes(tuple, socket.family, socket.type);
             });
    };
    for (const policy::SyscallRule& rule : inputs_.policy.syscalls) {
      if (policy::makes_sockets(rule.syscall) && permits(rule.args)) {
        return fmt::format(
            "seccomp, which is given {} with {}",
            kernel::syscall_label(rule.syscall),
            rule.args.empty() ? "any arguments" : "these arguments");
      }
    }
    const runtime::RuntimeLayer& layer = inputs_.layer;
    for (const auto* calls : {&layer.start, &layer.exec, &layer.closure}) {
      for (const runtime::LayerCall& call : *calls) {
        const auto nr = kernel::syscall_number(inputs_.target.arch, call.name);
        if (nr && policy::makes_sockets({inputs_.target.arch, *nr}) &&
            permits(tuples_of(call, inputs_.target.arch))) {
          return fmt::format("seccomp, which is given {} for the runtime",
                             call.name);
        }
      }
    }
    return "";
  }

  // Whether a fact, of a call or of the network, tells of such a socket.
  static auto telling(const policy::SocketSubject& socket) {
    return [&socket](const auto& fact) {
      return std::ranges::any_of(
          policy::sockets_of(fact), [&](const policy::SocketKind& kind) {
            return kind.family.empty() ||
                   (kind.family == socket.family &&
                    (socket.type.empty() || kind.type == socket.type));
          });
    };
  }

  bool was_made(const policy::SocketSubject& socket) const {
    return was_handed_on(socket) ||
           std::ranges::any_of(processes_, [&](const auto* process) {
             return std::ranges::any_of(process->syscalls, telling(socket));
           });
  }

  bool was_handed_on(const policy::SocketSubject& socket) const {
    return std::ranges::any_of(processes_, [&](const auto* process) {
      return std::ranges::any_of(process->network, telling(socket));
    });
  }

  Standing dropped(const policy::SignalSubject& signal) const {
    if (std::ranges::find(inputs_.policy.signals, signal.signal,
                          &policy::SignalRule::signal) !=
        inputs_.policy.signals.end()) {
      return {"pending", ""};
    }
    return in_apparmor(
        std::ranges::any_of(processes_, [&](const auto* process) {
          return std::ranges::any_of(
              process->signals, [&](const evidence::SignalFact& fact) {
                return policy::signal_of(fact) == signal.signal;
              });
        }));
  }

  Standing dropped(const policy::SyscallSubject& call) const {
    for (const Grant& grant : grants_) {
      if (speaks_of(call, grant)) {
        return grant.traits.contains(Trait::RuntimeOnly)
                   ? Standing{"ineffective",
                              fmt::format("{} is still granted to the runtime, "
                                          "and a filter does not tell the two "
                                          "apart",
                                          call.name)}
                   : Standing{"pending", ""};
      }
    }
    const bool could =
        std::ranges::any_of(candidates_, [&](const Candidate& candidate) {
          return kernel::syscall_name(candidate.syscall) == call.name;
        });
    return applied_if(
        could || std::ranges::any_of(processes_, [&](const auto* process) {
          return std::ranges::any_of(
              process->syscalls, [&](const evidence::SyscallFact& fact) {
                return kernel::syscall_name(fact.syscall) == call.name;
              });
        }));
  }

  Standing dropped(const policy::CapabilitySubject& capability) const {
    if (policy::find_capability(inputs_.policy, capability.number) != nullptr) {
      return {"pending", ""};
    }
    return applied_if(std::ranges::any_of(processes_, [&](const auto* process) {
      return std::ranges::find(process->capabilities, capability.number,
                               &evidence::CapabilityFact::number) !=
             process->capabilities.end();
    }));
  }

  const Inputs& inputs_;
  const std::vector<Grant>& grants_;
  const std::vector<Candidate>& candidates_;
  std::vector<const evidence::Process*> processes_;  // that count
};

}  // namespace

// A later decision about the same thing takes the place of an earlier one.
std::vector<DecisionState> decision_states(
    const Inputs& inputs, const std::vector<DecidedSubject>& decisions,
    const std::vector<Grant>& grants,
    const std::vector<Candidate>& candidates) {
  const Judge judge(inputs, grants, candidates);
  std::vector<DecisionState> states;
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const bool replaced =
        std::any_of(decisions.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                    decisions.end(), [&](const DecidedSubject& later) {
                      return later.subject == decisions[i].subject;
                    });
    const Standing standing =
        replaced ? Standing{"applied", ""} : judge.of(decisions[i]);
    states.push_back({decisions[i].decision, standing.state, standing.because});
  }
  return states;
}

}  // namespace vambrace::review
