#include "policy/replay.h"

#include <algorithm>

#include "base/json.h"
#include "kernel/capabilities.h"
#include "kernel/errnos.h"
#include "policy/arguments.h"
#include "policy/capabilities/noise.h"
#include "policy/capabilities/reduce.h"
#include "policy/partial_call.h"
#include "policy/reasons.h"
#include "policy/replay_profile.h"

namespace vambrace::policy {
namespace {

using seccomp::Action;
using seccomp::Outcome;

using kernel::kEperm;
constexpr std::uint32_t kDacOverride = 1;
constexpr std::uint32_t kNetBindService = 10;

bool refuses(Outcome outcome) {
  return outcome.action != Action::Allow;
}

class Player {
 public:
  Player(const Rendering& rendering, seccomp::Evaluator evaluator)
      : rendering_(rendering), evaluator_(std::move(evaluator)) {}

  Replay play(const evidence::Evidence& evidence) {
    for (const evidence::Process& process : evidence.processes) {
      if (!counts(process.key.origin)) {
        continue;
      }
      for (const evidence::SyscallFact& fact : process.syscalls) {
        play_call(process.key, fact);
      }
      play_capabilities(evidence, process);
    }
    std::ranges::sort(replay_.denials);
    std::ranges::sort(replay_.expected);
    std::ranges::sort(replay_.unknown);
    return std::move(replay_);
  }

 private:
  void play_call(const evidence::ProcessKey& key,
                 const evidence::SyscallFact& fact) {
    const evidence::Share share = evidence::total(fact.by);
    if (share.count > 0) {
      ++replay_.facts;
      judge_call(key, fact.syscall, fact.args, share, false);
    }
    if (share.denied > 0) {
      ++replay_.facts;
      judge_call(key, fact.syscall, fact.denied_args, share, true);
    }
  }

  void judge_call(const evidence::ProcessKey& key, kernel::Syscall syscall,
                  const std::optional<evidence::Arguments>& args,
                  const evidence::Share& share, bool refused_before) {
    for (const PartialArguments& known : partial_arguments(syscall, args)) {
      const std::vector<Outcome> possible =
          possible_outcomes(evaluator_, syscall, known);
      const auto refusal = std::ranges::find_if(possible, refuses);
      if (refusal == possible.end()) {
        continue;
      }
      WouldBeDenial denial{.syscall = syscall,
                           .arguments = describe(known),
                           .process = key,
                           .count = refused_before ? share.denied : share.count,
                           .outcome = *refusal};
      for (const auto& [phase, count] : share.phases) {
        denial.phases.insert(phase);
      }
      const bool expected =
          is_expected(syscall, *refusal, args, share, refused_before);
      if (possible.size() > 1 ||
          (!expected && kernel::syscall_name(syscall) == "clone3" &&
           !has_tuples(args))) {
        denial.doubt = "not all of its arguments were recorded";
      }
      (expected ? replay_.expected : replay_.denials)
          .push_back(std::move(denial));
    }
  }

  // A program that always got this errno keeps getting it, and whoever gets
  // ENOSYS for clone3 falls back to clone. A call that worked is missed,
  // whatever the policy had planned for those for whom it never did.
  bool is_expected(kernel::Syscall syscall, Outcome outcome,
                   const std::optional<evidence::Arguments>& args,
                   const evidence::Share& share, bool refused_before) const {
    const ExpectedDenial* planned = find_expected(rendering_.policy, syscall);
    if (outcome.action == Action::Log) {
      return refused_before ||
             (planned != nullptr &&
              lives_without(syscall, planned->error, args, share));
    }
    if (outcome.action != Action::Errno) {
      return false;
    }
    if (refused_before) {
      return share.denied_errnos.contains(kernel::errno_name(outcome.error)) ||
             (planned != nullptr && planned->error == outcome.error);
    }
    return lives_without(syscall, outcome.error, args, share);
  }

  bool lives_without(kernel::Syscall syscall, std::uint32_t error,
                     const std::optional<evidence::Arguments>& args,
                     const evidence::Share& share) const {
    const auto seen = share.errnos.find(kernel::errno_name(error));
    return (seen != share.errnos.end() && seen->second == share.count) ||
           (falls_back(syscall, error) && clone_serves(syscall.arch, args));
  }

  static bool has_tuples(const std::optional<evidence::Arguments>& args) {
    return args && !args->unbounded && !args->tuples.empty();
  }

  // Whether the profile lets through every clone that is asked for in the place
  // of these clone3.
  bool clone_serves(kernel::Arch arch,
                    const std::optional<evidence::Arguments>& args) const {
    const auto clone = kernel::syscall_number(arch, "clone");
    if (!clone) {
      return false;
    }
    const auto serves = [&](const PartialArguments& known) {
      return std::ranges::none_of(
          possible_outcomes(evaluator_, {arch, *clone}, known), refuses);
    };
    if (!has_tuples(args)) {
      return serves({});
    }
    return std::ranges::all_of(args->tuples, [&](const auto& tuple) {
      return !tuple.empty() && (tuple[0] & kCloneNewTime) == 0 &&
             serves({tuple[0]});
    });
  }

  // The rules that this process alone would need.
  void play_capabilities(const evidence::Evidence& evidence,
                         const evidence::Process& process) {
    evidence::Evidence alone;
    alone.workload = evidence.workload;
    alone.recordings = evidence.recordings;
    alone.processes = {process};
    const capabilities::Reduced reduced = capabilities::reduce(alone, false);
    for (const CapabilityRule& rule : reduced.rules) {
      ++replay_.facts;
      if (has(rule) || !capabilities::needed_on(rule, rendering_.target)) {
        continue;
      }
      WouldBeDenial denial{
          .syscall = std::nullopt,
          .capability = rule.number,
          .arguments = fmt::format("{}", fmt::join(rule.uses, ", ")),
          .process = process.key,
          .count = uses(process, rule.number),
          .outcome = {Action::Errno, kEperm}};
      for (const Reason& reason : rule.reasons) {
        denial.phases.insert(reason.phases.begin(), reason.phases.end());
      }
      replay_.denials.push_back(std::move(denial));
    }
  }

  bool has(const CapabilityRule& rule) const {
    if (rendering_.capabilities.contains(rule.number)) {
      return true;
    }
    return rendering_.capabilities.contains(kDacOverride) &&
           capabilities::asks_again(rule.number, "") &&
           std::ranges::all_of(rule.uses, [&](const std::string& use) {
             return capabilities::asks_again(rule.number, use);
           });
  }

  static std::uint64_t uses(const evidence::Process& process,
                            std::uint32_t number) {
    std::uint64_t count = 0;
    for (const evidence::CapabilityFact& fact : process.capabilities) {
      if (fact.number == number && capabilities::noise(fact).empty()) {
        count += evidence::total(fact.by).count;
      }
    }
    for (const evidence::NetworkFact& fact : process.network) {
      if (count == 0 && number == kNetBindService && fact.operation == "bind") {
        return evidence::total(fact.by).count;
      }
    }
    return count;
  }

  const Rendering& rendering_;
  const seccomp::Evaluator evaluator_;
  Replay replay_;
};

}  // namespace

std::string describe(const WouldBeDenial& denial) {
  std::string what;
  if (!denial.path.empty()) {
    return fmt::format("file {} ({})", json::quote_bytes(denial.path),
                       denial.access);
  }
  if (!denial.socket.empty()) {
    return "socket " + denial.socket;
  }
  if (!denial.signal.empty()) {
    return fmt::format(
        "signal {}{}", denial.signal,
        denial.outside ? " to a process outside of the workload" : "");
  }
  if (!denial.mount.empty()) {
    return denial.mount;
  }
  if (!denial.trace.empty()) {
    return "ptrace " + denial.trace;
  }
  if (denial.syscall) {
    const bool native = denial.syscall->arch == kernel::Arch::X86_64;
    what = fmt::format(
        "syscall {}{}", kernel::syscall_label(*denial.syscall),
        native
            ? ""
            : fmt::format(" of {}", kernel::to_string(denial.syscall->arch)));
  } else {
    what =
        fmt::format("capability {}", kernel::capability_name(denial.capability)
                                         .value_or("of an unknown number"));
  }
  return denial.arguments.empty()
             ? what
             : fmt::format("{} ({})", what, denial.arguments);
}

Result<Replay> replay(const evidence::Evidence& evidence,
                      const Rendering& rendering) {
  TRY_ASSIGN(seccomp::Evaluator evaluator,
             seccomp::Evaluator::of(rendering.profile, rendering.target));
  Replay replay = Player(rendering, std::move(evaluator)).play(evidence);
  TRY(replay_profile(evidence, rendering, replay));
  return replay;
}

}  // namespace vambrace::policy
