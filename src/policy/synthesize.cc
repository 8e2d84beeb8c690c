#include "policy/synthesize.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "evidence/merge.h"
#include "kernel/capabilities.h"
#include "kernel/errnos.h"
#include "policy/always.h"
#include "policy/arguments.h"
#include "policy/capabilities/reduce.h"
#include "policy/decided_needs.h"
#include "policy/file_decisions.h"
#include "policy/files.h"
#include "policy/findings.h"
#include "policy/mounts.h"
#include "policy/path_calls.h"
#include "policy/reasons.h"
#include "policy/socket_choices.h"
#include "policy/sockets.h"
#include "policy/uses.h"

namespace vambrace::policy {
namespace {

using kernel::kEnosys;

class Synthesis {
 public:
  Synthesis(const evidence::Evidence& evidence, const SynthesisOptions& options)
      : evidence_(evidence), options_(options), uses_(uses_of(evidence)) {}

  Result<Policy> run() {
    describe_evidence();
    add_observed();
    add_thread_creation();
    add_always();
    const capabilities::Reduced reduced =
        capabilities::reduce(evidence_, options_.heal);
    for (const CapabilityRule& rule : reduced.rules) {
      capabilities_.emplace(rule.number, rule);
    }
    policy_.noise = reduced.noise;
    add_files(evidence_, policy_);
    add_sockets(evidence_, policy_);
    add_signals(evidence_, policy_);
    add_mounts(evidence_, policy_);
    add_traces(evidence_, policy_);
    add_path_calls(evidence_, policy_);
    TRY(apply_decisions());
    policy_.needs = decided_needs(evidence_, policy_);
    store();
    close();
    answer_clone3();
    TRY(judge());
    return std::move(policy_);
  }

 private:
  void describe_evidence() {
    const evidence::Verdict verdict = evidence::verdict(evidence_);
    policy_.workload = evidence_.workload;
    policy_.evidence_state = verdict.state;
    for (const evidence::Gap& gap : verdict.gaps) {
      policy_.gaps.insert(gap.kind);
    }
    for (const auto& [syscall, use] : uses_) {
      policy_.arches.insert(syscall.arch);
    }
  }

  // What was let through, and with --heal what was refused, becomes rules.
  void add_observed() {
    for (const auto& [syscall, use] : uses_) {
      const bool healed = options_.heal && is_hurt(syscall, use);
      if (const auto error = always_refused(use, healed)) {
        expect(syscall, *error,
               use.count > 0 ? use.reasons : use.denied_reasons);
        continue;
      }
      if (use.count == 0 && !healed) {
        continue;  // refused in different ways: nothing to hold on to
      }
      SyscallRule rule{syscall, {}, {}};
      Reasons reasons = use.reasons;
      evidence::Arguments args = use.args;
      bool unseen = use.count > 0 && use.args_unseen;
      if (healed) {
        args.add_all(use.denied_args);
        unseen = unseen || use.denied_args_unseen;
        for (const Reason& reason : use.denied_reasons.sorted()) {
          reasons.add(reason);
        }
      }
      rule.reasons = reasons.sorted();
      pin_arguments(rule, args, unseen);
      rules_.emplace(syscall, std::move(rule));
    }
  }

  void pin_arguments(SyscallRule& rule, const evidence::Arguments& args,
                     bool unseen) {
    if (pinned_arguments(rule.syscall).empty()) {
      return;
    }
    const auto tuples = unseen ? std::nullopt : pin(rule.syscall, args);
    if (tuples) {
      rule.args = *tuples;
      return;
    }
    const std::string why =
        unseen ? "its arguments were not recorded"
        : args.unbounded
            ? "its arguments had too many values to record"
            : fmt::format("its arguments had more than {} values", kMaxTuples);
    find("args-unbounded", "medium", rule.syscall,
         why + "; any arguments are granted",
         "record without --light, or split the workload");
  }

  // A filter cannot see clone3's flags. glibc asks for it first, in
  // pthread_create and posix_spawn since 2.34, and falls back to clone on
  // ENOSYS (musl has no clone3), so where clone is fenced, clone3 is answered
  // with ENOSYS and what it did is granted through clone.
  void add_thread_creation() {
    for (const kernel::Arch arch : std::set(policy_.arches)) {
      const auto clone = kernel::syscall_number(arch, "clone");
      const auto clone3 = kernel::syscall_number(arch, "clone3");
      const auto it = clone3 ? rules_.find({arch, *clone3}) : rules_.end();
      if (!clone || it == rules_.end()) {
        continue;
      }
      const auto namespaces = clone3_namespaces({arch, *clone3});
      SyscallRule& old =
          rules_
              .try_emplace({arch, *clone}, SyscallRule{{arch, *clone}, {}, {}})
              .first->second;
      const bool free = !old.reasons.empty() && old.args.empty();
      if (!namespaces || free) {
        add_reasons(old, it->second.reasons, "instead of clone3");
        old.args.clear();
        find("clone-unfenced", "medium", it->first,
             "may create namespaces: its flags are unknown or too many",
             "record again with arguments");
        continue;
      }
      for (const std::uint64_t flags : *namespaces) {
        old.args.insert({{0, kCloneNamespaces, flags}});
      }
      add_reasons(old, it->second.reasons, "instead of clone3");
      Reasons reasons;
      for (const Reason& reason : it->second.reasons) {
        reasons.add(reason);
      }
      expect(it->first, kEnosys, reasons);
      rules_.erase(it);
    }
  }

  // The namespace bits that clone3 was asked for; nullopt if that is unknown or
  // clone cannot ask for them.
  std::optional<std::set<std::uint64_t>> clone3_namespaces(
      kernel::Syscall syscall) const {
    const CallUse& use = uses_.at(syscall);
    const bool healed = options_.heal && is_hurt(syscall, use);
    evidence::Arguments args = use.args;
    if (healed) {
      args.add_all(use.denied_args);
    }
    if (use.args_unseen || (healed && use.denied_args_unseen) ||
        args.unbounded || args.tuples.empty()) {
      return std::nullopt;
    }
    std::set<std::uint64_t> namespaces;
    for (const auto& tuple : args.tuples) {
      if (tuple.empty() || (tuple[0] & kCloneNewTime) != 0) {
        return std::nullopt;
      }
      namespaces.insert(tuple[0] & kCloneNamespaces);
    }
    return namespaces;
  }

  static void add_reasons(SyscallRule& rule, const std::vector<Reason>& more,
                          const std::string& note) {
    Reasons reasons;
    for (const Reason& reason : rule.reasons) {
      reasons.add(reason);
    }
    for (Reason reason : more) {
      reason.note = note;
      reasons.add(std::move(reason));
    }
    rule.reasons = reasons.sorted();
  }

  void add_always() {
    for (const kernel::Arch arch : policy_.arches) {
      for (const AlwaysCall& call : always_calls()) {
        const auto nr = kernel::syscall_number(arch, call.name);
        if (!nr) {
          continue;
        }
        const Reason reason{.cause = Cause::Always,
                            .note = std::string(call.why)};
        grant({arch, *nr}, reason);
      }
    }
  }

  // Any arguments, whatever was there before.
  void grant(kernel::Syscall syscall, const Reason& reason) {
    SyscallRule& rule =
        rules_.try_emplace(syscall, SyscallRule{syscall, {}, {}}).first->second;
    rule.args.clear();
    rule.reasons.push_back(reason);
    std::ranges::sort(rule.reasons);
    expected_.erase(syscall);
  }

  void expect(kernel::Syscall syscall, std::uint32_t error,
              const Reasons& reasons) {
    expected_.insert_or_assign(
        syscall, ExpectedDenial{syscall, error, reasons.sorted()});
  }

  Result<> apply_decisions() {
    for (const Decision& decision : options_.decisions) {
      const std::string place =
          fmt::format("decision \"{}\"", json::quote_bytes(decision.what));
      TRY_ASSIGN(const Subject subject,
                 during(place, parse_subject(decision.what)));
      TRY(during(place, check_decision(subject, decision.choice)));
      const Reason reason{.cause = Cause::Decision,
                          .note = fmt::format("{} by {}: {}", decision.choice,
                                              decision.who, decision.why)};
      if (const auto* call = std::get_if<SyscallSubject>(&subject)) {
        decide_syscall(call->name, decision.choice, reason);
      } else if (const auto* file = std::get_if<FileSubject>(&subject)) {
        TRY(decide_file(*file, decision.choice, reason));
      } else if (const auto* socket = std::get_if<SocketSubject>(&subject)) {
        socket_choices_.add(*socket, decision.choice, reason);
        decide(policy_.sockets, decision.choice, reason,
               {.program = {},
                .family = socket->family,
                .type = socket->type,
                .reasons = {reason}});
      } else if (const auto* signal = std::get_if<SignalSubject>(&subject)) {
        decide(policy_.signals, decision.choice, reason,
               {.program = {}, .signal = signal->signal, .reasons = {reason}});
      } else {
        decide_capability(std::get<CapabilitySubject>(subject).number,
                          decision.choice, reason);
      }
    }
    socket_choices_.open(policy_.arches, dropped_, rules_, expected_);
    std::ranges::sort(policy_.files);
    std::ranges::sort(policy_.sockets);
    std::ranges::sort(policy_.signals);
    return {};
  }

  static bool is_about(const SocketRule& rule, const SocketRule& wanted) {
    return rule.family == wanted.family &&
           (wanted.type.empty() || rule.type == wanted.type);
  }
  static bool is_about(const SignalRule& rule, const SignalRule& wanted) {
    return rule.signal == wanted.signal;
  }

  // As of files: a rule of the main program is added, a drop is for every one.
  template <class Rule>
  static void decide(std::vector<Rule>& rules, const std::string& choice,
                     const Reason& reason, const Rule& wanted) {
    if (choice == "add") {
      rules.push_back(wanted);
    } else if (choice == "drop") {
      std::erase_if(rules,
                    [&](const Rule& rule) { return is_about(rule, wanted); });
    } else {
      for (Rule& rule : rules) {
        if (is_about(rule, wanted)) {
          rule.reasons.push_back(reason);
          std::ranges::sort(rule.reasons);
        }
      }
    }
  }

  void decide_syscall(const std::string& name, const std::string& choice,
                      const Reason& reason) {
    for (const kernel::Arch arch : policy_.arches) {
      const auto nr = kernel::syscall_number(arch, name);
      if (!nr) {
        continue;
      }
      const kernel::Syscall syscall{arch, *nr};
      const auto rule = rules_.find(syscall);
      if (choice == "add") {
        dropped_.erase(name);
        grant(syscall, reason);
      } else if (choice == "drop") {
        dropped_.insert(name);
        if (rule != rules_.end()) {
          rules_.erase(rule);
        }
      } else if (rule != rules_.end()) {
        rule->second.reasons.push_back(reason);
        std::ranges::sort(rule->second.reasons);
      }
    }
  }

  void decide_capability(std::uint32_t number, const std::string& choice,
                         const Reason& reason) {
    if (choice == "drop") {
      capabilities_.erase(number);
    } else if (choice == "add" || capabilities_.contains(number)) {
      CapabilityRule& rule =
          capabilities_.try_emplace(number, CapabilityRule{number, {}, {}})
              .first->second;
      rule.reasons.push_back(reason);
      std::ranges::sort(rule.reasons);
    }
  }

  // A rule of the main program is added; a drop is for every program.
  Result<> decide_file(const FileSubject& file, const std::string& choice,
                       const Reason& reason) {
    if (choice == "add") {
      allow_again(policy_, file);
      policy_.files.push_back({.program = {},
                               .pattern = file.pattern,
                               .access = file.access,
                               .starts = std::nullopt,
                               .widened = {},
                               .reasons = {reason}});
      return {};
    }
    if (choice == "drop") {
      return drop_file(policy_, file, reason);
    }
    for (FileRule& rule : policy_.files) {
      if (rule.pattern == file.pattern) {
        rule.reasons.push_back(reason);
        std::ranges::sort(rule.reasons);
      }
    }
    return {};
  }

  void store() {
    for (auto& [syscall, rule] : rules_) {
      policy_.syscalls.push_back(std::move(rule));
    }
    for (auto& [syscall, denial] : expected_) {
      policy_.expected.push_back(std::move(denial));
    }
    for (auto& [number, rule] : capabilities_) {
      policy_.capabilities.push_back(std::move(rule));
    }
  }

  void close() {
    if (options_.closures.resilient_libc) {
      const std::size_t added = close_over_libc(policy_);
      policy_.findings.push_back(
          {"closure", "info", "seccomp",
           fmt::format("the closure \"resilient libc\" adds {} calls", added),
           ""});
    }
    if (options_.closures.aarch64) {
      const std::size_t added = translate_to_aarch64(policy_);
      policy_.findings.push_back(
          {"closure", "info", "seccomp",
           fmt::format("the closure \"arch aarch64\" adds {} rules", added),
           ""});
    }
    // What a person has dropped, no closure brings back.
    std::erase_if(policy_.syscalls, [&](const SyscallRule& rule) {
      const auto name = kernel::syscall_name(rule.syscall);
      return name && dropped_.contains(std::string(*name));
    });
    socket_choices_.fence(policy_.syscalls);
  }

  // The same for a clone3 that nobody was seen to ask for: an older glibc, musl
  // and Go take clone, and with any other errno than ENOSYS the glibc of the
  // next image would make no thread. That grants nothing. It needs a clone to
  // fall back to, whoever granted it: from clone3 no C library turns to fork or
  // vfork, so without clone the errno is the target's, as of any other call.
  void answer_clone3() {
    // Of a clone that was dropped or refused, after it was to take clone3's
    // place.
    std::erase_if(policy_.expected, [&](const ExpectedDenial& denial) {
      const auto use = uses_.find(denial.syscall);
      const auto clone = kernel::syscall_number(denial.syscall.arch, "clone");
      return falls_back(denial.syscall, denial.error) &&
             !(clone && find_rule(policy_, {denial.syscall.arch, *clone})) &&
             !(use != uses_.end() && always_refused(use->second, false));
    });
    for (const kernel::Arch arch : policy_.arches) {
      const auto clone = kernel::syscall_number(arch, "clone");
      const auto clone3 = kernel::syscall_number(arch, "clone3");
      if (!clone || !clone3 || !find_rule(policy_, {arch, *clone}) ||
          find_rule(policy_, {arch, *clone3}) ||
          find_expected(policy_, {arch, *clone3})) {
        continue;
      }
      const bool seen = uses_.contains({arch, *clone3});
      policy_.expected.push_back(
          {{arch, *clone3},
           kEnosys,
           {{.cause = Cause::Always,
             .note = fmt::format("{}ENOSYS, so that a C library asks for "
                                 "clone, which is granted",
                                 seen ? "" : "not seen of the workload; ")}}});
      std::ranges::sort(policy_.expected);
    }
  }

  Result<> judge() {
    std::set<std::uint32_t> waived_capabilities;
    std::set<std::string> waived_calls;
    for (const Waiver& waiver : options_.waivers) {
      TRY_ASSIGN(const Subject subject,
                 during("waiver", parse_subject(waiver.what)));
      if (const auto* call = std::get_if<SyscallSubject>(&subject)) {
        waived_calls.insert(call->name);
      } else if (const auto* one = std::get_if<CapabilitySubject>(&subject)) {
        waived_capabilities.insert(one->number);
      }
    }
    add_findings(policy_, waived_calls, waived_capabilities);
    return {};
  }

  void find(std::string id, std::string severity, kernel::Syscall syscall,
            std::string message, std::string hint) {
    policy_.findings.push_back({std::move(id), std::move(severity),
                                "seccomp: " + kernel::syscall_label(syscall),
                                std::move(message), std::move(hint)});
  }

  const evidence::Evidence& evidence_;
  const SynthesisOptions& options_;
  const CallUses uses_;
  Policy policy_;
  std::map<kernel::Syscall, SyscallRule> rules_;
  std::map<kernel::Syscall, ExpectedDenial> expected_;
  std::map<std::uint32_t, CapabilityRule> capabilities_;
  std::set<std::string> dropped_;  // calls, by decision
  SocketChoices socket_choices_;
};

}  // namespace

Result<Policy> synthesize(const evidence::Evidence& evidence,
                          const SynthesisOptions& options) {
  return Synthesis(evidence, options).run();
}

}  // namespace vambrace::policy
