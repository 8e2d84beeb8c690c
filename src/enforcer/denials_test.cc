#include "enforcer/denials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "enforcer/judgement.h"
#include "kernel/capabilities.h"

namespace vambrace::enforcer {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

kernel::Syscall call(std::string_view name) {
  return {kernel::Arch::X86_64,
          *kernel::syscall_number(kernel::Arch::X86_64, name)};
}

evidence::SyscallFact refused(std::string_view name, const char* error) {
  evidence::Share share;
  share.denied = 2;
  share.denied_errnos[error] = 2;
  return {.syscall = call(name),
          .args = {},
          .denied_args = {},
          .by = {{"r", share}}};
}

evidence::CapabilityFact check(std::string_view capability,
                               std::string_view during, std::uint64_t granted,
                               std::uint64_t denied) {
  evidence::CapabilityFact fact;
  fact.number = *kernel::capability_number(capability);
  fact.during = call(during);
  fact.audited = evidence::Audited::Unknown;
  fact.user_namespace = "initial";
  evidence::Share share;
  share.count = granted;
  share.denied = denied;
  fact.by = {{"r", share}};
  return fact;
}

evidence::Evidence with(std::vector<evidence::SyscallFact> syscalls,
                        std::vector<evidence::CapabilityFact> capabilities,
                        evidence::Origin origin = evidence::Origin::App) {
  evidence::Process process;
  process.key.exe = "/usr/sbin/web";
  process.key.origin = origin;
  process.syscalls = std::move(syscalls);
  process.capabilities = std::move(capabilities);
  return {.workload = {}, .recordings = {}, .processes = {process}};
}

apparmor::Record access(const char* verdict) {
  return {.verdict = verdict,
          .operation = "open",
          .profile = "web-1//cat",
          .name = "/etc/\x1b",
          .comm = "cat",
          .mask = "r"};
}

TEST(Denials, AnAccessThatAppArmorRefusedIsUnexpected) {
  const auto found = denials(apparmor::Watched{
      .profile = "web-1", .records = {{access("DENIED"), 3}}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].expected);
  EXPECT_EQ(describe(found[0]),
            "open of /etc/\\x1b for r refused 3 times in cat (AppArmor "
            "web-1//cat)");
}

TEST(Denials, AnAccessThatAppArmorOnlyLoggedIsExpected) {
  const auto found = denials(apparmor::Watched{
      .records = {{access("ALLOWED"), 1}, {access("AUDIT"), 1}}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].expected);
}

TEST(Denials, WhatWasLostOfAppArmorsLogKeepsAVerdictFromHolding) {
  EXPECT_TRUE(
      judge(0, {.started = 1}, {}, {.profile = "web-1"}, {}, {}, {}).holds());
  EXPECT_FALSE(
      judge(0, {.started = 1}, {}, {.losses = {"3 lost"}}, {}, {}, {}).holds());
  const Judgement denied = judge(
      0, {.started = 1}, {}, {.records = {{access("DENIED"), 1}}}, {}, {}, {});
  EXPECT_FALSE(denied.holds());
  const Judgement unproved =
      judge(0, {.started = 1}, {}, {.why_not = "no AppArmor"}, {}, {}, {});
  EXPECT_TRUE(unproved.holds());
  EXPECT_EQ(unproved.unproved, "no AppArmor");
}

TEST(Denials, ARefusedCallIsUnexpected) {
  const auto found =
      denials(with({refused("socket", "EPERM")}, {}), {}, {}, {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].expected);
  EXPECT_EQ(found[0].count, 2U);
  EXPECT_THAT(describe(found[0]),
              HasSubstr("socket (x86_64) refused 2 times with EPERM"));
}

policy::Policy refusing(std::string_view name, std::uint32_t error) {
  policy::Policy policy;
  policy.expected = {{.syscall = call(name), .error = error, .reasons = {}}};
  return policy;
}

evidence::SyscallFact made(std::string_view name, std::uint64_t count,
                           std::map<std::string, std::uint64_t> errnos) {
  evidence::SyscallFact fact = refused(name, "");
  fact.by["r"] = {.count = count, .errnos = std::move(errnos)};
  return fact;
}

TEST(Denials, APlannedRefusalIsExpectedWhereItNeverWorked) {
  const policy::Policy policy = refusing("io_uring_setup", 1);
  const evidence::Evidence trial =
      with({refused("io_uring_setup", "EPERM")}, {});
  const auto expected = [&](const evidence::Evidence& recorded) {
    return denials(trial, policy, {}, recorded).at(0).expected;
  };
  EXPECT_TRUE(expected(with({made("io_uring_setup", 3, {{"EPERM", 3}})}, {})));
  EXPECT_TRUE(expected({})) << "never seen";
  EXPECT_FALSE(expected(with({made("io_uring_setup", 3, {{"EPERM", 2}})}, {})));
  EXPECT_FALSE(expected(with({made("io_uring_setup", 3, {})}, {})));
  EXPECT_TRUE(expected(
      with({made("io_uring_setup", 3, {})}, {}, evidence::Origin::Harness)));
}

TEST(Denials, WhatWorkedInAnotherProgramIsNotThisOnes) {
  const policy::Policy policy = refusing("io_uring_setup", 1);
  const evidence::Evidence trial =
      with({refused("io_uring_setup", "EPERM")}, {});
  evidence::Evidence recorded = with({made("io_uring_setup", 3, {})}, {});
  recorded.processes[0].key.exe = "/usr/bin/other";
  EXPECT_FALSE(denials(trial, policy, {}, recorded).at(0).expected)
      << "all that is known of the call";
  recorded.processes.push_back(
      with({made("io_uring_setup", 1, {{"EPERM", 1}})}, {}).processes[0]);
  EXPECT_TRUE(denials(trial, policy, {}, recorded).at(0).expected);
}

TEST(Denials, WhoMayOverrideMaySearch) {
  const auto expected = [](const char* during,
                           const std::set<std::uint32_t>& granted) {
    return denials(with({}, {check("CAP_DAC_READ_SEARCH", during, 0, 1)}), {},
                   granted, {})
        .at(0)
        .expected;
  };
  const std::uint32_t overriding =
      *kernel::capability_number("CAP_DAC_OVERRIDE");
  EXPECT_TRUE(expected("openat", {overriding}));
  EXPECT_FALSE(expected("open_by_handle_at", {overriding}));
  EXPECT_FALSE(expected("openat", {}));
}

TEST(Denials, EverybodyHasAnotherWayThanClone3) {
  EXPECT_TRUE(denials(with({refused("clone3", "ENOSYS")}, {}),
                      refusing("clone3", 38), {},
                      with({made("clone3", 3, {})}, {}))
                  .at(0)
                  .expected);
}

TEST(Denials, ArePrintedOnceForAllWaysThroughTheKernel) {
  evidence::CapabilityFact one = check("CAP_SYS_ADMIN", "mmap", 0, 2);
  evidence::CapabilityFact other = check("CAP_SYS_ADMIN", "mmap", 0, 3);
  one.functions = {"cap_capable", "cap_vm_enough_memory", "mmap_region"};
  other.functions = {"cap_capable", "cap_vm_enough_memory", "do_brk_flags"};
  const auto all = denials(
      with({}, {one, other, check("CAP_SYS_ADMIN", "brk", 0, 1)}), {}, {}, {});
  const auto printed = without_functions(all);
  ASSERT_EQ(all.size(), 3U);
  ASSERT_EQ(printed.size(), 2U);
  EXPECT_THAT(describe(printed[0]), HasSubstr("refused 5 times during mmap"));
  EXPECT_EQ(printed[1].count, 1U);
}

TEST(Denials, OfTheRuntimeACallCountsAndACapabilityDoesNot) {
  const auto found = denials(with({refused("fstatfs", "EPERM")},
                                  {check("CAP_DAC_OVERRIDE", "openat", 0, 1)},
                                  evidence::Origin::Runtime),
                             {}, {}, {});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_FALSE(found[0].expected);
  EXPECT_TRUE(found[1].expected);
  EXPECT_THAT(found[1].why, HasSubstr("runtime"));
  EXPECT_FALSE(
      denials(with({}, {check("CAP_DAC_OVERRIDE", "openat", 0, 1)}), {}, {}, {})
          .at(0)
          .expected);
}

TEST(Denials, ACallThatThePolicyRefusesOnPurposeIsExpectedWithThatErrno) {
  policy::Policy policy;
  policy.expected.push_back(
      {.syscall = call("clone3"), .error = 38, .reasons = {}});
  EXPECT_TRUE(denials(with({refused("clone3", "ENOSYS")}, {}), policy, {}, {})
                  .at(0)
                  .expected);
  EXPECT_FALSE(denials(with({refused("clone3", "EPERM")}, {}), policy, {}, {})
                   .at(0)
                   .expected);
}

TEST(Denials, TheHarnessIsNotJudged) {
  EXPECT_THAT(
      denials(with({refused("socket", "EPERM")}, {}, evidence::Origin::Harness),
              {}, {}, {}),
      IsEmpty());
}

TEST(Denials, ACapabilityThatWasGrantedWhenRecordedIsMissed) {
  const auto recorded = with({}, {check("CHOWN", "fchown", 1, 0)});
  const auto found =
      denials(with({}, {check("CHOWN", "fchown", 0, 1)}), {}, {}, recorded);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].expected);
  EXPECT_THAT(describe(found[0]), HasSubstr("CAP_CHOWN"));
  EXPECT_THAT(describe(found[0]), HasSubstr("during fchown"));
}

TEST(Denials, ACapabilityNeverSeenBeforeIsMissed) {
  EXPECT_FALSE(denials(with({}, {check("CHOWN", "fchown", 0, 1)}), {}, {}, {})
                   .at(0)
                   .expected);
}

TEST(Denials, ACapabilityThatWasRefusedWhenRecordedIsExpected) {
  const auto recorded = with({}, {check("CHOWN", "fchown", 0, 4)});
  EXPECT_TRUE(
      denials(with({}, {check("CHOWN", "fchown", 0, 1)}), {}, {}, recorded)
          .at(0)
          .expected);
  EXPECT_FALSE(
      denials(with({}, {check("CHOWN", "chown", 0, 1)}), {}, {}, recorded)
          .at(0)
          .expected)
      << "another call asks for another reason";
}

TEST(Denials, AWorkerMayGiveUpWhatThePolicyGrants) {
  EXPECT_TRUE(denials(with({}, {check("CHOWN", "fchown", 0, 1)}), {},
                      {*kernel::capability_number("CHOWN")}, {})
                  .at(0)
                  .expected);
}

TEST(Denials, NoiseIsExpected) {
  evidence::CapabilityFact fact = check("SYS_ADMIN", "mmap", 0, 9);
  fact.functions = {"cap_capable", "cap_vm_enough_memory"};
  EXPECT_TRUE(denials(with({}, {fact}), {}, {}, {}).at(0).expected);
}

}  // namespace
}  // namespace vambrace::enforcer
