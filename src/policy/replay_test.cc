#include "policy/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/capabilities/reduce.h"
#include "policy/samples.h"
#include "policy/seccomp/render.h"
#include "policy/synthesize.h"

namespace vambrace::policy {
namespace {

using sample::call;
using sample::fact;
using testing::ElementsAre;
using testing::IsEmpty;

runtime::Target target(const char* name) {
  return runtime::target_named(name).value();
}

evidence::Evidence evidence_of(std::vector<evidence::SyscallFact> facts) {
  return sample::evidence_of({sample::process(std::move(facts))});
}

// `evidence` held against `policy` as rendered for a target.
Replay played(const evidence::Evidence& evidence, const Policy& policy,
              const char* name = "docker", Stage stage = Stage::Harden) {
  const runtime::Target on = target(name);
  const seccomp::Profile profile =
      seccomp::render(policy, on, stage).value().profile;
  const std::set<std::uint32_t> capabilities =
      capabilities::render(policy, on, stage, {}).add;
  return replay(evidence, {.policy = policy,
                           .profile = profile,
                           .target = on,
                           .capabilities = capabilities})
      .value();
}

std::vector<std::string> names(const std::vector<WouldBeDenial>& denials) {
  std::vector<std::string> out;
  for (const WouldBeDenial& denial : denials) {
    out.push_back(describe(denial));
  }
  return out;
}

evidence::Evidence busy() {
  return evidence_of({
      fact("read"),
      fact("socket", {{1, 1, 0}, {2, 1, 6}}),
      fact("prctl", {{0xf}, {0x26}}),
      fact("clone3", {{0x3d0f00}}),
      fact("mincore", sample::failed(3, "EPERM")),
      fact("splice", sample::refused(2, "EPERM")),
  });
}

TEST(Replay, OwnEvidenceIsNeverDenied) {
  const Policy policy = synthesize(busy()).value();
  for (const std::string& name : runtime::target_names()) {
    for (const Stage stage : {Stage::Observe, Stage::Allow, Stage::Harden}) {
      EXPECT_THAT(played(busy(), policy, name.c_str(), stage).denials,
                  IsEmpty())
          << name << " " << to_string(stage);
    }
  }
}

TEST(Replay, WhatAlwaysFailedIsExpectedToFailAlike) {
  const Replay result = played(busy(), synthesize(busy()).value());
  EXPECT_THAT(names(result.expected),
              testing::UnorderedElementsAre("syscall mincore", "syscall splice",
                                            "syscall clone3"));
}

// A C library takes clone then: a thread is made where clone is granted, and
// with these flags.
TEST(Replay, Clone3IsMissedWhereCloneDoesNotTakeItsPlace) {
  constexpr std::uint64_t kNewUser = 0x10000000;
  const auto evidence = evidence_of({fact("clone3", {{0x3d0f00}})});
  Policy policy = synthesize(evidence).value();
  for (const char* on : {"process", "docker"}) {
    EXPECT_THAT(played(evidence, policy, on).denials, IsEmpty());
    EXPECT_THAT(
        names(played(evidence_of({fact("clone3", {{kNewUser}})}), policy, on)
                  .denials),
        ElementsAre("syscall clone3"));
    const Replay light = played(evidence_of({fact("clone3")}), policy, on);
    ASSERT_THAT(names(light.denials), ElementsAre("syscall clone3"));
    EXPECT_EQ(light.denials[0].doubt, "not all of its arguments were recorded");
  }
  // The program always got this errno, and lives with it.
  EXPECT_THAT(
      played(evidence_of({fact("clone3", sample::failed(3, "ENOSYS"))}), policy)
          .denials,
      IsEmpty());
  std::erase_if(policy.syscalls, [](const SyscallRule& rule) {
    return rule.syscall == call("clone");
  });
  for (const Stage stage : {Stage::Observe, Stage::Harden}) {
    EXPECT_THAT(names(played(evidence, policy, "process", stage).denials),
                ElementsAre("syscall clone3"))
        << to_string(stage);
  }
}

TEST(Replay, WhatWorksNowIsMissedThoughItNeverDidBefore) {
  const Policy policy = synthesize(busy()).value();
  const Replay result = played(evidence_of({fact("mincore")}), policy);
  EXPECT_THAT(names(result.denials), ElementsAre("syscall mincore"));
  EXPECT_THAT(names(played(evidence_of({fact("mincore")}), policy, "docker",
                           Stage::Observe)
                        .denials),
              ElementsAre("syscall mincore"));
}

TEST(Replay, ARemovedRuleIsNamedAndNothingElse) {
  Policy policy = synthesize(busy()).value();
  std::erase_if(policy.syscalls, [](const SyscallRule& rule) {
    return rule.syscall == call("socket");
  });
  const Replay result = played(busy(), policy);
  EXPECT_THAT(
      names(result.denials),
      ElementsAre("syscall socket (arg0 == 0x1, arg1 == 0x1, arg2 == 0x0)",
                  "syscall socket (arg0 == 0x2, arg1 == 0x1, arg2 == 0x6)"));
  EXPECT_EQ(result.denials[0].outcome,
            (seccomp::Outcome{seccomp::Action::Errno, 1}));
}

TEST(Replay, EachRecordedTupleIsAskedFor) {
  const Policy policy =
      synthesize(evidence_of({fact("prctl", {{0xf}})})).value();
  EXPECT_THAT(names(played(busy(), policy).denials),
              testing::Contains("syscall prctl (arg0 == 0x26)"));
  EXPECT_THAT(names(played(busy(), policy).denials),
              testing::Not(testing::Contains("syscall prctl (arg0 == 0xf)")));
}

TEST(Replay, UnrecordedArgumentsAreADoubtNotAnAbsence) {
  const Policy policy =
      synthesize(evidence_of({fact("prctl", {{0xf}})})).value();
  evidence::Evidence light = evidence_of({fact("prctl")});
  const Replay result = played(light, policy);
  ASSERT_EQ(result.denials.size(), 1U);
  EXPECT_FALSE(result.denials[0].doubt.empty());
}

TEST(Replay, ObserveSeesWhatHardenWouldRefuse) {
  const Policy policy = synthesize(evidence_of({fact("read")})).value();
  const Replay result = played(evidence_of({fact("read"), fact("splice")}),
                               policy, "docker", Stage::Observe);
  ASSERT_THAT(names(result.denials), ElementsAre("syscall splice"));
  EXPECT_EQ(result.denials[0].outcome.action, seccomp::Action::Log);
}

TEST(Replay, DriversAndSessionsAreNotTheWorkload) {
  const Policy policy = synthesize(evidence_of({fact("read")})).value();
  evidence::Evidence evidence = sample::evidence_of(
      {sample::process({fact("read")}),
       sample::process({fact("ptrace")}, "/bin/driver",
                       evidence::Origin::Harness),
       sample::process({fact("mount")}, "/bin/sh", evidence::Origin::Session)});
  EXPECT_THAT(played(evidence, policy).denials, IsEmpty());
}

evidence::Evidence with_capability(std::uint32_t number) {
  evidence::Process process = sample::process({fact("read")});
  process.capabilities = {{.number = number,
                           .during = call("read"),
                           .functions = {"generic_permission"},
                           .user_namespace = "initial",
                           .by = sample::seen(4)}};
  return sample::evidence_of({process});
}

TEST(Replay, AMissingCapabilityIsADenialWithItsUse) {
  const Policy none = synthesize(evidence_of({fact("read")})).value();
  const Replay result = played(with_capability(0), none);
  ASSERT_EQ(names(result.denials),
            (std::vector<std::string>{
                "capability CAP_CHOWN (read (generic_permission))"}));
  EXPECT_EQ(result.denials[0].count, 4U);
}

TEST(Replay, AReadMayUseEitherOfTwoCapabilities) {
  const Policy override_only = synthesize(with_capability(1)).value();
  EXPECT_THAT(played(with_capability(2), override_only).denials, IsEmpty());
  const Policy none = synthesize(evidence_of({fact("read")})).value();
  EXPECT_EQ(played(with_capability(2), none).denials.size(), 1U);
}

TEST(Replay, AnotherTargetsTableIsAskedOnItsOwn) {
  // i386 calls reach a profile that has x86_64 only through its bad-arch kill.
  const Policy policy = synthesize(evidence_of({fact("read")})).value();
  evidence::Evidence evidence = evidence_of(
      {{.syscall = call("read", kernel::Arch::I386), .by = sample::seen(1)}});
  const Replay result = played(evidence, policy);
  EXPECT_THAT(names(result.denials), ElementsAre("syscall read of i386"));
}

}  // namespace
}  // namespace vambrace::policy
