#include "policy/capabilities/reduce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/capabilities/noise.h"
#include "policy/samples.h"

namespace vambrace::policy::capabilities {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint32_t kChown = 0;
constexpr std::uint32_t kNetBindService = 10;
constexpr std::uint32_t kSysAdmin = 21;

evidence::CapabilityFact check(std::uint32_t number, const char* function,
                               evidence::By by = sample::seen(3)) {
  return {.number = number,
          .during = sample::call("read"),
          .functions = {"capable", function},
          .user_namespace = "initial",
          .by = std::move(by)};
}

evidence::Evidence evidence_of(
    std::vector<evidence::CapabilityFact> checks,
    std::vector<evidence::NetworkFact> network = {},
    evidence::Origin origin = evidence::Origin::App) {
  evidence::Process process = sample::process({}, "/bin/app", origin);
  process.capabilities = std::move(checks);
  process.network = std::move(network);
  return sample::evidence_of({process});
}

evidence::NetworkFact bind(std::uint32_t port, const char* family = "inet") {
  return {.operation = "bind",
          .family = family,
          .type = "stream",
          .address = "any",
          .port = port,
          .by = sample::seen(1)};
}

std::vector<std::uint32_t> numbers(const Reduced& reduced) {
  std::vector<std::uint32_t> out;
  for (const CapabilityRule& rule : reduced.rules) {
    out.push_back(rule.number);
  }
  return out;
}

std::set<std::uint32_t> granted(const Reduced& reduced, const char* target,
                                std::set<std::uint32_t> waived = {},
                                Stage stage = Stage::Harden) {
  Policy policy;
  policy.capabilities = reduced.rules;
  return render(policy, runtime::target_named(target).value(), stage, waived)
      .add;
}

TEST(Reduce, AGrantedCheckIsANeedWithCallAndFunction) {
  const Reduced reduced = reduce(evidence_of({check(kChown, "chown_ok")}),
                                 /*heal=*/false);
  ASSERT_THAT(reduced.rules, SizeIs(1));
  EXPECT_THAT(reduced.rules[0].uses, ElementsAre("read (chown_ok)"));
  ASSERT_THAT(reduced.rules[0].reasons, SizeIs(1));
  EXPECT_EQ(reduced.rules[0].reasons[0].exe, "/bin/app");
  EXPECT_THAT(reduced.rules[0].reasons[0].phases, ElementsAre("serving"));
}

TEST(Reduce, ARefusedCheckIsANeedOnlyWhenHealing) {
  const auto evidence =
      evidence_of({check(kChown, "chown_ok", sample::refused(2, "EPERM"))});
  EXPECT_THAT(reduce(evidence, false).rules, IsEmpty());
  const Reduced healed = reduce(evidence, true);
  ASSERT_THAT(healed.rules, SizeIs(1));
  EXPECT_EQ(healed.rules[0].reasons[0].cause, Cause::Denied);
}

TEST(Reduce, MemoryOvercommitIsNoiseWhateverWasInlined) {
  for (const char* function : {"cap_vm_enough_memory", "__vm_enough_memory",
                               "security_vm_enough_memory_mm"}) {
    const Reduced reduced =
        reduce(evidence_of({check(kSysAdmin, function)}), false);
    EXPECT_THAT(reduced.rules, IsEmpty()) << function;
    EXPECT_THAT(reduced.noise, ElementsAre(CapabilityNoise{
                                   kSysAdmin, "memory overcommit check"}));
  }
}

TEST(Reduce, ProbesAndBorrowedCredentialsAreNoise) {
  evidence::CapabilityFact unaudited = check(kSysAdmin, "x");
  unaudited.audited = evidence::Audited::No;
  evidence::CapabilityFact borrowed = check(kSysAdmin, "y");
  borrowed.overridden = true;
  evidence::CapabilityFact elsewhere = check(kSysAdmin, "z");
  elsewhere.user_namespace = "other";
  evidence::CapabilityFact nested = check(kSysAdmin, "do_mount");
  nested.user_namespace = "nested";
  const Reduced reduced =
      reduce(evidence_of({unaudited, borrowed, elsewhere, nested}), false);
  EXPECT_THAT(reduced.rules, IsEmpty());
  EXPECT_THAT(reduced.noise, SizeIs(4));
}

TEST(Reduce, ACapabilityWithoutANameLeavesNoTrace) {
  constexpr std::uint32_t kOfANewerKernel = 45;
  const auto reduced =
      reduce(evidence_of({check(kOfANewerKernel, "__vm_enough_memory"),
                          check(kOfANewerKernel, "bpf_capable")}),
             false);
  EXPECT_TRUE(reduced.rules.empty());
  EXPECT_TRUE(reduced.noise.empty());
}

TEST(Reduce, TheContainersUserNamespaceStillNeedsTheCapability) {
  evidence::CapabilityFact own = check(kChown, "chown_ok");
  own.user_namespace = "own";
  EXPECT_THAT(numbers(reduce(evidence_of({own}), false)), ElementsAre(kChown));
}

TEST(Reduce, DriversAndTheRuntimeNeedNothing) {
  for (const auto origin :
       {evidence::Origin::Harness, evidence::Origin::Runtime,
        evidence::Origin::Session}) {
    EXPECT_THAT(
        reduce(evidence_of({check(kSysAdmin, "mount")}, {}, origin), false)
            .rules,
        IsEmpty());
  }
}

TEST(Reduce, ALowPortIsANeedWhereTheTargetAsks) {
  // Recorded where anybody may bind it: no check was made.
  const Reduced reduced = reduce(evidence_of({}, {bind(80)}), false);
  EXPECT_THAT(numbers(reduced), ElementsAre(kNetBindService));
  EXPECT_THAT(granted(reduced, "process"), ElementsAre(kNetBindService));
  EXPECT_THAT(granted(reduced, "runc"), ElementsAre(kNetBindService));
  EXPECT_THAT(granted(reduced, "docker"), IsEmpty());
}

TEST(Reduce, ALowPortThatWasRefusedIsANeedOnlyWhenHealing) {
  const evidence::Evidence refused = evidence_of(
      {check(kNetBindService, "inet_bind", sample::refused(1, "EACCES"))},
      {bind(80)});
  EXPECT_THAT(reduce(refused, false).rules, IsEmpty());
  EXPECT_THAT(numbers(reduce(refused, true)), ElementsAre(kNetBindService));
  // Another process of it had the right.
  EXPECT_THAT(numbers(reduce(evidence_of({check(kNetBindService, "inet_bind"),
                                          check(kNetBindService, "inet6_bind",
                                                sample::refused(1, "EACCES"))},
                                         {bind(80)}),
                             false)),
              ElementsAre(kNetBindService));
}

TEST(Reduce, ALowPortThatAContainersKernelAskedAboutIsANeedOnDockerToo) {
  evidence::Evidence seen =
      evidence_of({check(kNetBindService, "__inet_bind")}, {bind(80)});
  seen.processes[0].capabilities[0].during = sample::call("bind");
  seen.recordings = {{.id = "r", .runtime = "process"}};
  seen.processes[0].capabilities[0].by = {{"r", {.count = 1}}};
  EXPECT_THAT(granted(reduce(seen, false), "docker"), IsEmpty());
  // Another call that asks says more.
  seen.processes[0].capabilities[0].during = sample::call("setsockopt");
  EXPECT_THAT(granted(reduce(seen, false), "docker"),
              ElementsAre(kNetBindService));
  seen.processes[0].capabilities[0].during = sample::call("bind");
  seen.recordings[0].runtime = "runc";
  EXPECT_THAT(granted(reduce(seen, false), "docker"),
              ElementsAre(kNetBindService));
}

TEST(Reduce, AHighPortAndAnotherFamilyNeedNothing) {
  EXPECT_THAT(
      reduce(evidence_of({}, {bind(8080), bind(0), bind(80, "unix")}), false)
          .rules,
      IsEmpty());
}

TEST(Reduce, AnotherUseOfTheSameCapabilityHoldsOnDockerToo) {
  const Reduced reduced =
      reduce(evidence_of({check(kNetBindService, "ip_setsockopt")}, {bind(80)}),
             false);
  EXPECT_THAT(granted(reduced, "docker"), ElementsAre(kNetBindService));
}

TEST(Render, AHighRiskNeedWaitsForItsWaiverInHarden) {
  const Reduced reduced = reduce(
      evidence_of({check(kSysAdmin, "ksys_mount"), check(kChown, "chown_ok")}),
      false);
  EXPECT_THAT(granted(reduced, "docker"), ElementsAre(kChown));
  EXPECT_THAT(granted(reduced, "docker", {kSysAdmin}),
              ElementsAre(kChown, kSysAdmin));
  EXPECT_THAT(granted(reduced, "docker", {}, Stage::Observe),
              ElementsAre(kChown, kSysAdmin));
}

TEST(Grant, RoundTripsAndRefusesOthers) {
  const Grant grant{.target = "crun",
                    .stage = Stage::Allow,
                    .add = {kChown, kNetBindService},
                    .refused = {kSysAdmin}};
  const std::string text = print(grant);
  EXPECT_EQ(parse(text).value(), grant);
  for (const auto& [from, to] :
       {std::pair{"capabilities/v1", "capabilities/v2"},
        std::pair{"\"ALL\"", "\"SOME\""}, std::pair{"CAP_CHOWN", "CAP_CHWON"},
        std::pair{"allow", "often"}}) {
    std::string other = text;
    other.replace(other.find(from), std::string_view(from).size(), to);
    EXPECT_FALSE(parse(other).has_value()) << to;
  }
}

}  // namespace
}  // namespace vambrace::policy::capabilities
