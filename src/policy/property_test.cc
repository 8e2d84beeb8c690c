#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "evidence/facts.h"
#include "evidence/generated.h"
#include "policy/capabilities/noise.h"
#include "policy/capabilities/reduce.h"
#include "policy/json.h"
#include "policy/partial_call.h"
#include "policy/reasons.h"
#include "policy/seccomp/render.h"
#include "policy/synthesize.h"
#include "runtime/model.h"

// What holds for policies from any evidence.
namespace vambrace::policy {
namespace {

using evidence::Evidence;
using evidence::generated::Source;

std::vector<Evidence> recordings() {
  return {evidence::generated::one(1), evidence::generated::one(2),
          evidence::generated::one(3)};
}

Evidence all_of(const std::vector<Evidence>& all) {
  return evidence::generated::subset(all, 0b111);
}

SynthesisOptions options(Source& from) {
  SynthesisOptions out;
  out.heal = from.flip();
  out.closures.resilient_libc = from.below(4) == 0;
  out.closures.aarch64 = from.below(4) == 0;
  if (from.flip()) {
    out.decisions = {{.what = from.word({"syscall ptrace", "syscall socket",
                                         "capability NET_ADMIN"}),
                      .choice = from.word({"keep", "drop", "add"}),
                      .who = "ann",
                      .why = from.name()}};
  }
  if (from.flip()) {
    out.waivers = {{.what = "capability SYS_ADMIN",
                    .who = "ann",
                    .why = "backup",
                    .until = "2026-12-31"}};
  }
  return out;
}

runtime::Target target(Source& from) {
  const std::vector<std::string> names = runtime::target_names();
  runtime::Target out =
      runtime::target_named(names[from.below(names.size())]).value();
  out.no_new_privs = from.flip();
  return out;
}

Stage stage(Source& from) {
  return from.pick({Stage::Observe, Stage::Allow, Stage::Harden});
}

template <class T>
void shuffle(std::vector<T>& list, Source& from) {
  for (std::size_t i = list.size(); i > 1; --i) {
    std::swap(list[i - 1], list[from.below(i)]);
  }
}

RC_GTEST_PROP(SynthesisProperty, DoesNotDependOnTheOrderOfEvidence, ()) {
  Source from = evidence::generated::source();
  const SynthesisOptions how = options(from);
  std::vector<Evidence> files = recordings();
  const std::string policy = print(synthesize(all_of(files), how).value());
  shuffle(files, from);
  Evidence merged = all_of(files);
  shuffle(merged.processes, from);
  for (evidence::Process& process : merged.processes) {
    shuffle(process.syscalls, from);
    shuffle(process.capabilities, from);
    shuffle(process.network, from);
  }
  RC_ASSERT(print(synthesize(merged, how).value()) == policy);
}

RC_GTEST_PROP(SynthesisProperty, EvidenceThatIsMergedTwiceChangesNothing, ()) {
  const Evidence once = all_of(recordings());
  const Evidence twice = evidence::merge(once, once).value();
  RC_ASSERT(synthesize(twice).value() == synthesize(once).value());
}

// The same behavior under another id, at another time, more often.
RC_GTEST_PROP(SynthesisProperty, TheSameBehaviorRecordedAgainChangesNothing,
              ()) {
  Evidence again = evidence::generated::one(1);
  for (evidence::Process& process : again.processes) {
    for (evidence::SyscallFact& fact : process.syscalls) {
      for (auto& [id, share] : fact.by) {
        // Numbers that stay so when they are doubled.
        share.count = std::min<std::uint64_t>(share.count, 1U << 30);
        share.denied = std::min<std::uint64_t>(share.denied, 1U << 30);
        share.errnos.clear();
        share.denied_errnos.clear();
        std::erase_if(share.phases, [](const auto& phase) {
          return phase.first != "startup";
        });
      }
    }
  }
  const Policy first = synthesize(again).value();
  again.recordings[0].id = std::string(32, 'f');
  again.recordings[0].start += std::chrono::hours(1);
  again.recordings[0].end += std::chrono::hours(2);
  for (evidence::Process& process : again.processes) {
    evidence::each_list(
        [&](auto& facts) {
          for (auto& fact : facts) {
            const evidence::Share share = fact.by.begin()->second;
            fact.by = {{again.recordings[0].id, share}};
          }
        },
        process);
    for (evidence::SyscallFact& fact : process.syscalls) {
      evidence::Share& share = fact.by.begin()->second;
      share.count *= 2;
      share.denied *= 2;
      share.first += std::chrono::hours(1);
    }
  }
  RC_ASSERT(synthesize(again).value() == first);
}

RC_GTEST_PROP(PolicyProperty, IsReadBackAsItWasPrinted, ()) {
  Source from = evidence::generated::source();
  const Policy policy = synthesize(all_of(recordings()), options(from)).value();
  const std::string text = print(policy);
  const auto again = parse(text);
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == policy);
  RC_ASSERT(print(*again) == text);
}

// Does the rule let these recorded values through?
bool allows(const SyscallRule& rule, const seccomp::Arguments& values) {
  const auto passes = [&](const ArgTuple& tuple) {
    return std::ranges::all_of(tuple, [&](const ArgMatch& match) {
      return (values[match.index] & match.mask) == match.value;
    });
  };
  return rule.args.empty() || std::ranges::any_of(rule.args, passes);
}

seccomp::Arguments zeros_for_unknown(const PartialArguments& partial) {
  seccomp::Arguments out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = partial[i].value_or(0);
  }
  return out;
}

RC_GTEST_PROP(RenderProperty, LetsEachRecordedCallOfThePolicyThrough, ()) {
  Source from = evidence::generated::source();
  const Evidence seen = all_of(recordings());
  const Policy policy = synthesize(seen, options(from)).value();
  const runtime::Target where = target(from);
  const Stage when = stage(from);
  const auto rendered = seccomp::render(policy, where, when);
  RC_PRE(rendered.has_value());
  const auto evaluator = seccomp::Evaluator::of(rendered->profile, where);
  RC_ASSERT(evaluator.has_value());
  for (const evidence::Process& process : seen.processes) {
    for (const evidence::SyscallFact& fact : process.syscalls) {
      const SyscallRule* rule = find_rule(policy, fact.syscall);
      const auto name = kernel::syscall_name(fact.syscall);
      if (!counts(process.key.origin) || rule == nullptr || !name ||
          !evaluator->has(fact.syscall.arch)) {
        continue;
      }
      // What libseccomp cannot name on that architecture is told.
      if (!runtime::libseccomp_knows(where, fact.syscall)) {
        RC_ASSERT(std::ranges::any_of(
            rendered->findings, [&](const Finding& finding) {
              return finding.id == "syscall-unknown" &&
                     finding.place ==
                         "seccomp: " + kernel::syscall_label(fact.syscall);
            }));
        continue;
      }
      for (const auto& partial : partial_arguments(fact.syscall, fact.args)) {
        const seccomp::Arguments values = zeros_for_unknown(partial);
        const seccomp::Outcome outcome =
            evaluator->outcome(kernel::audit_arch(fact.syscall.arch),
                               seccomp::filter_number(fact.syscall), values);
        RC_LOG() << *name << " on " << where.name << " in " << to_string(when)
                 << ": " << to_string(outcome);
        RC_ASSERT(!allows(*rule, values) || seccomp::lets_through(outcome));
        RC_ASSERT(!allows(*rule, values) || when != Stage::Harden ||
                  outcome.action == seccomp::Action::Allow);
      }
    }
  }
}

RC_GTEST_PROP(RenderProperty, IsTheSameForThePolicyThatIsReadBack, ()) {
  Source from = evidence::generated::source();
  const Policy policy = synthesize(all_of(recordings()), options(from)).value();
  const runtime::Target where = target(from);
  const Stage when = stage(from);
  const auto first = seccomp::render(policy, where, when);
  const auto second =
      seccomp::render(parse(print(policy)).value(), where, when);
  RC_ASSERT(first.has_value() == second.has_value());
  if (first) {
    RC_ASSERT(seccomp::print(first->profile) ==
              seccomp::print(second->profile));
    RC_ASSERT(first->findings == second->findings);
  }
}

RC_GTEST_PROP(CapabilityProperty, NoiseGrantsNothing, ()) {
  Source from = evidence::generated::source();
  const bool heal = from.flip();
  Evidence seen = all_of(recordings());
  const auto with = capabilities::reduce(seen, heal).rules;
  for (evidence::Process& process : seen.processes) {
    std::erase_if(process.capabilities, [](const auto& fact) {
      return !capabilities::noise(fact).empty();
    });
  }
  const auto without = capabilities::reduce(seen, heal);
  RC_ASSERT(with == without.rules);
  RC_ASSERT(without.noise.empty());
}

RC_GTEST_PROP(CapabilityProperty, NothingIsGrantedThatTheAppWasNotGranted, ()) {
  Source from = evidence::generated::source();
  const Evidence seen = all_of(recordings());
  const Policy policy = synthesize(seen).value();
  const auto grant =
      capabilities::render(policy, target(from), stage(from), {});
  for (const std::uint32_t number : grant.add) {
    bool asked = false;
    for (const evidence::Process& process : seen.processes) {
      for (const auto& fact : process.capabilities) {
        asked = asked || (fact.number == number && counts(process.key.origin) &&
                          evidence::total(fact.by).count > 0 &&
                          capabilities::noise(fact).empty());
      }
      for (const auto& fact : process.network) {
        asked = asked || (number == 10 && fact.port < 1024);
      }
    }
    RC_ASSERT(asked);
  }
}

}  // namespace
}  // namespace vambrace::policy
