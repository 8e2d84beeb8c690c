#include "policy/explain.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/ranges.h>

#include "base/json.h"
#include "kernel/capabilities.h"
#include "kernel/errnos.h"
#include "kernel/sockets.h"
#include "policy/arguments.h"
#include "policy/capabilities/noise.h"
#include "policy/capabilities/reduce.h"
#include "policy/decision.h"
#include "policy/difference.h"
#include "policy/explain_decisions.h"
#include "policy/explain_files.h"
#include "policy/mounts.h"
#include "policy/reasons.h"
#include "policy/risk.h"
#include "policy/sockets.h"

namespace vambrace::policy {
namespace {

using seccomp::Action;
using seccomp::lets_through;
using seccomp::Outcome;

Result<std::optional<std::uint64_t>> read_value(std::string_view word) {
  if (word == "_") {
    return std::nullopt;
  }
  const bool hex = word.starts_with("0x");
  const std::string_view digits = hex ? word.substr(2) : word;
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] =
      std::from_chars(digits.data(), end, value, hex ? 16 : 10);
  if (error != std::errc() || at != end) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("\"{}\" is not a value", json::quote_bytes(word)))
            .with_hint("values are numbers, 0x26 or 38, or _ for any"));
  }
  return value;
}

bool is_call(std::string_view name) {
  return std::ranges::any_of(kernel::kAllArches, [&](kernel::Arch arch) {
    return kernel::syscall_number(arch, name).has_value();
  });
}

bool in_layer(const runtime::RuntimeLayer& layer, std::string_view name) {
  for (const auto* calls : {&layer.start, &layer.exec, &layer.closure}) {
    if (std::ranges::find(*calls, name, &runtime::LayerCall::name) !=
        calls->end()) {
      return true;
    }
  }
  return false;
}

class Explainer {
 public:
  Explainer(const Question& question, const Rendering& rendering,
            const runtime::RuntimeLayer& layer,
            const evidence::Evidence& evidence)
      : question_(question),
        rendering_(rendering),
        layer_(layer),
        evidence_(evidence) {}

  Result<std::vector<Answer>> run() {
    if (question_.signal) {
      return std::vector{signal()};
    }
    std::vector<Answer> answers;
    if (question_.socket) {
      answers.push_back(socket());
    } else if (question_.name.empty()) {
      return std::vector{capability()};
    }
    TRY_ASSIGN(const seccomp::Evaluator evaluator,
               seccomp::Evaluator::of(rendering_.profile, rendering_.target));
    for (const kernel::Arch arch : evaluator.arches()) {
      if (const auto nr = kernel::syscall_number(arch, question_.name)) {
        answers.push_back(call(evaluator, {arch, *nr}));
      }
    }
    if (answers.empty()) {
      return fail(ErrorCode::InvalidInput,
                  "no architecture of this profile has {}", question_.name);
    }
    return answers;
  }

 private:
  // AppArmor's answer, from the policy's rules.
  template <class Rule, class Fits>
  Answer of_rules(std::string what, const std::vector<Rule>& rules,
                  Fits fits) const {
    Answer answer{.what = std::move(what) + " in AppArmor"};
    for (const Rule& rule : rules) {
      const Permission permission = fits(rule);
      if (permission == Permission::Refused) {
        continue;
      }
      if (answer.permission != Permission::Allowed) {
        answer.permission = permission;
      }
      merge(answer.reasons, rule.reasons);
    }
    if (answer.permission != Permission::Allowed) {
      answer.otherwise = {rendering_.stage == Stage::Harden
                              ? seccomp::Action::Errno
                              : seccomp::Action::Log,
                          kernel::kEacces};
    }
    if (!rendering_.target.apparmor.value_or(true)) {
      answer.notes.emplace_back(
          "the target does not use AppArmor: it refuses nothing there");
    }
    return answer;
  }

  Answer socket() const {
    const SocketSubject& asked = *question_.socket;
    Answer answer =
        of_rules(fmt::format("network {}{}{}", asked.family,
                             asked.type.empty() ? "" : " ", asked.type),
                 rendering_.policy.sockets, [&](const SocketRule& rule) {
                   if (!rule.family.empty() && rule.family != asked.family) {
                     return Permission::Refused;
                   }
                   return rule.type.empty() || rule.type == asked.type
                              ? Permission::Allowed
                          : asked.type.empty() ? Permission::Depends
                                               : Permission::Refused;
                 });
    answer.depends_on = "its type";
    for (const SocketRule& rule : rendering_.policy.sockets) {
      if (answer.permission == Permission::Depends &&
          rule.family == asked.family) {
        answer.when.push_back("the type is " + rule.type);
      }
    }
    return answer;
  }

  Answer signal() const {
    Answer answer = of_rules(
        "signal " + question_.signal->signal, rendering_.policy.signals,
        [&](const SignalRule& rule) {
          return rule.signal == question_.signal->signal ? Permission::Allowed
                                                         : Permission::Refused;
        });
    answer.notes.emplace_back("the filter does not tell signals apart");
    bool outside = false;
    for (const evidence::Process& process : evidence_.processes) {
      for (const evidence::SignalFact& fact : process.signals) {
        if (signal_of(fact) != question_.signal->signal) {
          continue;
        }
        const bool out = fact.other == evidence::Side::Outside;
        outside = outside || (out && counts(process.key.origin));
        add_uses(answer, process.key,
                 out ? "to a process outside of the workload"
                 : fact.other == evidence::Side::Program
                     ? "to a process of the workload"
                     : "to whom is not known",
                 fact.by);
      }
    }
    if (outside) {
      answer.notes.emplace_back(
          "to a process outside of the workload AppArmor refuses it, and no "
          "decision grants it: have somebody outside send it, or do without");
    } else {
      note_absence(answer, "signal " + question_.signal->signal);
    }
    return answer;
  }

  Answer call(const seccomp::Evaluator& evaluator, kernel::Syscall syscall) {
    PartialArguments arguments;
    std::ranges::copy(question_.values, arguments.begin());
    const std::string values = describe(arguments);
    Answer answer{.what = fmt::format(
                      "{} {}{}", kernel::to_string(syscall.arch),
                      question_.name,
                      values.empty() ? "" : fmt::format(" ({})", values))};
    judge(answer, evaluator, syscall, arguments);
    if (const SyscallRule* rule = find_rule(rendering_.policy, syscall)) {
      answer.reasons = rule->reasons;
    } else if (const ExpectedDenial* planned =
                   find_expected(rendering_.policy, syscall)) {
      answer.reasons = planned->reasons;
      answer.notes.emplace_back(
          falls_back(syscall, planned->error)
              ? "refused on purpose: a C library then asks for clone"
              : "refused on purpose, with the errno that the program knows");
    }
    answer.runtime_layer = in_layer(layer_, question_.name);
    if (const Risk* risk = syscall_risk(question_.name)) {
      answer.notes.push_back(fmt::format("risk: {}", risk->exposes));
    }
    note_layers(answer);
    for (const evidence::Process& process : evidence_.processes) {
      for (const evidence::SyscallFact& fact : process.syscalls) {
        if (fact.syscall == syscall) {
          add_uses(answer, process.key, arguments_text(fact), fact.by);
        }
      }
    }
    note_absence(answer, "syscall " + question_.name);
    return answer;
  }

  // What AppArmor allows of calls that it asks about, too.
  void note_layers(Answer& answer) const {
    constexpr std::string_view kMounts[] = {"mount", "move_mount", "pivot_root",
                                            "umount", "umount2"};
    constexpr std::string_view kTraces[] = {"process_vm_readv",
                                            "process_vm_writev", "ptrace"};
    const Policy& policy = rendering_.policy;
    if (std::ranges::find(kMounts, question_.name) != std::end(kMounts)) {
      for (const MountRule& rule : policy.mounts) {
        answer.notes.push_back("AppArmor allows: " + describe(rule));
      }
    }
    if (std::ranges::find(kTraces, question_.name) != std::end(kTraces)) {
      for (const TraceRule& rule : policy.traces) {
        answer.notes.push_back("AppArmor allows: " + describe(rule));
      }
    }
  }

  static void judge(Answer& answer, const seccomp::Evaluator& evaluator,
                    kernel::Syscall syscall,
                    const PartialArguments& arguments) {
    const std::vector<Outcome> possible =
        possible_outcomes(evaluator, syscall, arguments);
    const auto passing = std::ranges::count_if(possible, lets_through);
    answer.permission = passing == 0                      ? Permission::Refused
                        : passing == std::ssize(possible) ? Permission::Allowed
                                                          : Permission::Depends;
    for (const Outcome outcome : possible) {
      if (outcome.action != Action::Allow) {
        answer.otherwise = outcome;
      }
    }
    const seccomp::CallRules* rules = evaluator.rules(
        kernel::audit_arch(syscall.arch), seccomp::filter_number(syscall));
    if (rules != nullptr) {
      for (const seccomp::Alternative& alternative : rules->alternatives) {
        if (alternative.outcome.action == Action::Allow) {
          answer.when.push_back(describe(alternative));
        }
      }
    }
  }

  static std::string arguments_text(const evidence::SyscallFact& fact) {
    const auto& seen = fact.args ? fact.args : fact.denied_args;
    if (!seen) {
      return "";
    }
    if (seen->unbounded) {
      return "arguments not told apart";
    }
    // Also of calls whose values a filter cannot see.
    std::string text;
    const kernel::ArgSpec* spec = kernel::arg_spec(fact.syscall);
    for (const std::vector<std::uint64_t>& tuple : seen->tuples) {
      std::string one;
      for (std::size_t i = 0; i < tuple.size(); ++i) {
        const std::string place =
            spec != nullptr && i < spec->arguments.size()
                ? fmt::format("{}{}", spec->filterable ? "arg" : "*arg",
                              spec->arguments[i].index)
                : "value";
        one += fmt::format("{}{} == {:#x}", one.empty() ? "" : ", ", place,
                           tuple[i]);
      }
      text += (text.empty() ? "" : "; ") + one;
    }
    return text;
  }

  Answer capability() {
    const std::uint32_t number = question_.capability;
    const std::string name(
        kernel::capability_name(number).value_or("capability"));
    const bool granted = rendering_.capabilities.contains(number);
    Answer answer{
        .what = name,
        .permission = granted ? Permission::Allowed : Permission::Refused};
    const CapabilityRule* rule = find_capability(rendering_.policy, number);
    if (rule != nullptr) {
      answer.reasons = rule->reasons;
      for (const std::string& use : rule->uses) {
        answer.notes.push_back("for " + use);
      }
      if (!granted) {
        answer.notes.push_back(
            capabilities::needed_on(*rule, rendering_.target)
                ? "seen, but it needs a waiver in bundle.yaml"
                : fmt::format("{} does not ask for it",
                              rendering_.target.name));
      }
    }
    for (const CapabilityNoise& noise : rendering_.policy.noise) {
      if (noise.number == number) {
        answer.notes.push_back("not a need: " + noise.why);
      }
    }
    if (const Risk* risk = capability_risk(number)) {
      answer.notes.push_back(fmt::format("risk: {}", risk->exposes));
    }
    for (const evidence::Process& process : evidence_.processes) {
      for (const evidence::CapabilityFact& fact : process.capabilities) {
        if (fact.number == number) {
          add_uses(answer, process.key, check_text(fact), fact.by);
        }
      }
    }
    note_absence(answer, "capability " + name.substr(4));
    return answer;
  }

  static std::string check_text(const evidence::CapabilityFact& fact) {
    std::string text =
        fact.during ? kernel::syscall_label(*fact.during) : "kernel";
    for (const std::string& function : fact.functions) {
      text += " < " + json::quote_bytes(function);
    }
    const std::string_view why = capabilities::noise(fact);
    return why.empty() ? text : fmt::format("{}; noise: {}", text, why);
  }

  static void note_absence(Answer& answer, const std::string& subject) {
    if (answer.permission != Permission::Refused || !answer.reasons.empty()) {
      return;
    }
    // Noise is no use, though it is told.
    const bool seen = std::ranges::any_of(answer.uses, [](const Use& use) {
      return counts(use.process.origin) && use.share.count > 0 &&
             use.detail.find("; noise: ") == std::string::npos;
    });
    answer.notes.push_back(
        seen ? "it was seen, but the policy has no rule: a decision dropped "
               "it, or the policy was made without that evidence"
             : "no counted evidence needs it; " + how_to_add(subject));
  }

  static void add_uses(Answer& answer, const evidence::ProcessKey& key,
                       const std::string& detail, const evidence::By& by) {
    for (const auto& [recording, share] : by) {
      answer.uses.push_back({recording, key, detail, share});
    }
    std::ranges::sort(answer.uses);
  }

  const Question& question_;
  const Rendering& rendering_;
  const runtime::RuntimeLayer& layer_;
  const evidence::Evidence& evidence_;
};

}  // namespace

std::string_view to_string(Permission permission) {
  switch (permission) {
    case Permission::Allowed:
      return "allowed";
    case Permission::Depends:
      return "depends";
    case Permission::Refused:
      return "refused";
  }
  return "refused";
}

namespace {

// The argument that a name stands for.
template <class Named>
std::optional<std::uint64_t> number_of(std::string_view name, Named named) {
  constexpr std::uint32_t kNumbers = 64;  // beyond every family and type
  for (std::uint32_t number = 0; number < kNumbers; ++number) {
    if (named(number) == name) {
      return number;
    }
  }
  return std::nullopt;
}

Question question_of(const SocketSubject& socket) {
  Question question{.name = "socket", .socket = socket};
  question.values = {number_of(socket.family, kernel::socket_family_name)};
  if (!socket.type.empty()) {
    question.values.push_back(number_of(socket.type, kernel::socket_type_name));
  }
  return question;
}

// A socket or a signal in the words of a decision; nullopt: it is neither.
// There is a call named signal: without a name it is meant.
Result<std::optional<Question>> parse_other_question(
    const std::vector<std::string>& parts) {
  if (parts.size() < 2 || (parts[0] != "network" && parts[0] != "signal")) {
    return std::nullopt;
  }
  const bool value = parts[1] == "_" ||
                     std::isdigit(static_cast<unsigned char>(parts[1][0])) != 0;
  if (parts[0] == "signal" && value) {
    return std::nullopt;
  }
  TRY_ASSIGN(const Subject subject,
             parse_subject(fmt::format("{}", fmt::join(parts, " "))));
  if (const auto* socket = std::get_if<SocketSubject>(&subject)) {
    return question_of(*socket);
  }
  Question question;
  question.signal = std::get<SignalSubject>(subject);
  return question;
}

}  // namespace

Result<Question> parse_question(std::span<const std::string> words) {
  if (!words.empty() && words[0].starts_with('/')) {
    return parse_file_question(words);
  }
  std::vector<std::string> parts;
  for (const std::string& word : words) {
    std::size_t at = 0;
    while (at < word.size()) {
      const std::size_t end = std::min(word.find(' ', at), word.size());
      if (end > at) {
        parts.push_back(word.substr(at, end - at));
      }
      at = end + 1;
    }
  }
  TRY_ASSIGN(const auto other, parse_other_question(parts));
  if (other) {
    return *other;
  }
  const bool call_first = !parts.empty() && parts[0] == "syscall";
  bool capability_first = !parts.empty() && parts[0] == "capability";
  if (parts.size() > 1 && (call_first || capability_first)) {
    parts.erase(parts.begin());
  }
  // No call is named so.
  capability_first =
      capability_first || (!parts.empty() && (parts[0].starts_with("CAP_") ||
                                              parts[0].starts_with("cap_")));
  if (parts.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "what should be explained?")
            .with_hint("ask for a call, a file or a capability: socket, "
                       "/etc/hosts r, NET_ADMIN"));
  }
  const std::string& name = parts[0];
  Question question;
  if (!capability_first && is_call(name)) {
    question.name = name;
    if (parts.size() > 7) {
      return fail(ErrorCode::InvalidInput, "a call has at most six arguments");
    }
    for (std::size_t i = 1; i < parts.size(); ++i) {
      TRY_ASSIGN(const auto value, read_value(parts[i]));
      question.values.push_back(value);
    }
    return question;
  }
  const auto number = kernel::capability_number(name);
  if (!call_first && number && parts.size() == 1) {
    question.capability = *number;
    return question;
  }
  // Neither: the words of decisions know the nearest name.
  TRY_ASSIGN(
      const Subject subject,
      parse_subject((capability_first ? "capability " : "syscall ") + name));
  (void)subject;
  return fail(ErrorCode::InvalidInput, "a capability has no arguments");
}

Result<std::vector<Answer>> explain(const Question& question,
                                    const Rendering& rendering,
                                    const runtime::RuntimeLayer& layer,
                                    const evidence::Evidence& evidence) {
  if (!question.path.empty()) {
    return explain_file(question, rendering, evidence);
  }
  return Explainer(question, rendering, layer, evidence).run();
}

}  // namespace vambrace::policy
