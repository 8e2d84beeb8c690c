#include "policy/synthesize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/arguments.h"
#include "policy/json.h"
#include "policy/samples.h"

namespace vambrace::policy {
namespace {

using evidence::Origin;
using sample::call;
using sample::evidence_of;
using sample::fact;
using sample::process;
using sample::seen;

constexpr std::uint64_t kInt = 0xffffffff;
constexpr std::uint64_t kNewUser = 0x10000000;

Policy policy_of(std::vector<evidence::SyscallFact> facts,
                 const SynthesisOptions& options = {}) {
  return synthesize(evidence_of({process(std::move(facts))}), options).value();
}

const SyscallRule* rule(const Policy& policy, const char* name) {
  return find_rule(policy, call(name));
}

std::set<std::string> finding_ids(const Policy& policy) {
  std::set<std::string> ids;
  for (const Finding& finding : policy.findings) {
    ids.insert(finding.id);
  }
  return ids;
}

TEST(Synthesize, GrantsWhatAppHelpersAndProbesDid) {
  const Policy policy =
      synthesize(evidence_of({
                     process({fact("read")}),
                     process({fact("getcwd")}, "/bin/sh", Origin::Helper),
                     process({fact("uname")}, "/bin/curl", Origin::Probe),
                     process({fact("kill")}, "/bin/bash", Origin::Session),
                     process({fact("mount")}, "/sbin/runc", Origin::Runtime),
                     process({fact("sync")}, "/bin/pytest", Origin::Harness),
                 }))
          .value();
  EXPECT_NE(rule(policy, "read"), nullptr);
  EXPECT_NE(rule(policy, "getcwd"), nullptr);
  EXPECT_NE(rule(policy, "uname"), nullptr);
  EXPECT_EQ(rule(policy, "kill"), nullptr);
  EXPECT_EQ(rule(policy, "mount"), nullptr);
  EXPECT_EQ(rule(policy, "sync"), nullptr);
}

TEST(Synthesize, SaysWhichImageAndPhasesCalledForARule) {
  const Policy policy = policy_of({fact("read", seen(3, "startup"))});
  const Reason& reason = rule(policy, "read")->reasons.at(0);
  EXPECT_EQ(reason.cause, Cause::Observed);
  EXPECT_EQ(reason.exe, "/bin/app");
  EXPECT_EQ(reason.origin, Origin::App);
  EXPECT_EQ(reason.phases, std::set<std::string>{"startup"});
}

TEST(Synthesize, NamesTheBorderOfTestsOnlyWhereNothingElseIsKnown) {
  const Policy policy = policy_of({fact("read", seen(3, "across-tests")),
                                   fact("write", seen(1, "across-tests"))});
  EXPECT_EQ(rule(policy, "read")->reasons.at(0).phases,
            std::set<std::string>{"across-tests"});
  evidence::SyscallFact both = fact("read", seen(3, "test_a"));
  both.by.begin()->second.phases["across-tests"] = 2;
  both.by.begin()->second.count += 2;
  EXPECT_EQ(rule(policy_of({both}), "read")->reasons.at(0).phases,
            std::set<std::string>{"test_a"});
}

TEST(Synthesize, AlwaysGrantsTheEndOfAProgramAndTheVdso) {
  const Policy policy = policy_of({fact("read")});
  for (const char* name : {"exit", "exit_group", "rt_sigreturn", "time",
                           "restart_syscall", "clock_gettime", "getcpu"}) {
    ASSERT_NE(rule(policy, name), nullptr) << name;
    EXPECT_EQ(rule(policy, name)->reasons.at(0).cause, Cause::Always);
  }
}

TEST(Synthesize, PinsTheSocketFamilyAndIgnoresDescriptorFlags) {
  // AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK
  const Policy policy = policy_of({fact("socket", {{1, 0x80801, 0}})});
  const std::set<ArgTuple> expected = {
      {{0, kInt, 1}, {1, kInt & ~0x80800ULL, 1}, {2, kInt, 0}}};
  EXPECT_EQ(rule(policy, "socket")->args, expected);
}

TEST(Synthesize, ADroppedFamilyLeavesTheFilter) {
  const auto dropped = [](const char* what) {
    return policy_of({fact("socket", {{2, 1, 0}, {2, 2, 0}, {16, 3, 0}})},
                     {.decisions = {{what, "drop", "ann", "no network"}}});
  };
  for (const ArgTuple& tuple : rule(dropped("network inet"), "socket")->args) {
    EXPECT_EQ(tuple[0].value, 16U);
  }
  EXPECT_FALSE(covers(rule(dropped("network inet dgram"), "socket")->args,
                      {{{0, kInt, 2}, {1, kInt, 2}, {2, kInt, 0}}}));
  EXPECT_TRUE(covers(rule(dropped("network inet dgram"), "socket")->args,
                     {{{0, kInt, 2}, {1, kInt, 1}, {2, kInt, 0}}}));
}

TEST(Synthesize, WithoutAFamilyLeftTheCallIsRefused) {
  const Policy policy =
      policy_of({fact("socket", {{2, 1, 0}})},
                {.decisions = {{"network inet", "drop", "ann", "none"}}});
  EXPECT_EQ(rule(policy, "socket"), nullptr);
}

TEST(Synthesize, AnAddedFamilyPassesTheFilter) {
  const auto added = [](std::vector<Decision> decisions) {
    return policy_of({fact("socket", {{2, 1, 0}})},
                     {.decisions = std::move(decisions)});
  };
  const auto lets = [](const Policy& policy, const char* call,
                       std::uint64_t family, std::uint64_t type) {
    const SyscallRule* const its = rule(policy, call);
    return its != nullptr &&
           covers(its->args, {{{0, kInt, family}, {1, kInt, type}}});
  };
  const Decision dgram = {"network inet dgram", "add", "ann", "dns"};
  const Policy policy = added({dgram});
  EXPECT_TRUE(lets(policy, "socket", 2, 2));
  EXPECT_FALSE(lets(policy, "socket", 2, 3));
  EXPECT_FALSE(lets(policy, "socket", 10, 2));
  EXPECT_EQ(rule(policy, "socket")->reasons.back().note, "add by ann: dns");
  EXPECT_EQ(rule(policy, "socketpair"), nullptr);
  EXPECT_TRUE(
      lets(added({{"network unix", "add", "ann", "so"}}), "socketpair", 1, 5));
  // Of any type, but for one that is dropped later.
  const Policy most = added({{"network inet6", "add", "ann", "so"},
                             {"network inet6 raw", "drop", "ann", "so"}});
  EXPECT_TRUE(lets(most, "socket", 10, 1));
  EXPECT_FALSE(lets(most, "socket", 10, 3));
  EXPECT_FALSE(lets(added({dgram, {"network inet", "drop", "ann", "no"}}),
                    "socket", 2, 2));
  EXPECT_EQ(
      rule(added({dgram, {"syscall socket", "drop", "ann", "no"}}), "socket"),
      nullptr);
}

TEST(Synthesize, TakesTheDefaultProtocolForItsName) {
  const Policy policy = policy_of({fact("socket", {{2, 1, 6}})});
  const std::set<ArgTuple>& args = rule(policy, "socket")->args;
  EXPECT_TRUE(covers(args, {{{0, kInt, 2}, {1, kInt, 1}, {2, kInt, 0}}}));
  EXPECT_FALSE(covers(args, {{{0, kInt, 2}, {1, kInt, 1}, {2, kInt, 132}}}));
}

TEST(Synthesize, FencesNamespacesButNotThreads) {
  // glibc's thread flags, then its fork.
  const Policy policy = policy_of({fact("clone", {{0x3d0f00}, {0x1200011}})});
  EXPECT_EQ(rule(policy, "clone")->args,
            (std::set<ArgTuple>{{{0, kCloneNamespaces, 0}}}));
}

TEST(Synthesize, LeavesHotAndFragileCallsFree) {
  const Policy policy =
      policy_of({fact("openat", {{0x80000}}), fact("mmap", {{3}}),
                 fact("fcntl", {{1}}), fact("madvise", {{4}})});
  for (const char* name : {"openat", "mmap", "fcntl", "madvise"}) {
    EXPECT_TRUE(rule(policy, name)->args.empty()) << name;
  }
}

TEST(Synthesize, UnboundedArgumentsGiveNoRuleButAFinding) {
  evidence::SyscallFact ioctl = fact("ioctl");
  ioctl.args = evidence::Arguments{.unbounded = true};
  const Policy policy = policy_of({ioctl});
  EXPECT_TRUE(rule(policy, "ioctl")->args.empty());
  EXPECT_THAT(finding_ids(policy), testing::Contains("args-unbounded"));
}

TEST(Synthesize, AnswersClone3WithEnosysAndGrantsItsFallback) {
  const Policy policy = policy_of({fact("clone3", {{0x3d0f00}})});
  EXPECT_EQ(rule(policy, "clone3"), nullptr);
  ASSERT_NE(find_expected(policy, call("clone3")), nullptr);
  EXPECT_EQ(find_expected(policy, call("clone3"))->error, 38U);
  ASSERT_NE(rule(policy, "clone"), nullptr);
  EXPECT_EQ(rule(policy, "clone")->args,
            (std::set<ArgTuple>{{{0, kCloneNamespaces, 0}}}));
  EXPECT_EQ(rule(policy, "clone")->reasons.at(0).note, "instead of clone3");
}

TEST(Synthesize, KeepsTheNamespacesThatClone3Made) {
  const Policy policy = policy_of({fact("clone3", {{kNewUser | 0x100}})});
  EXPECT_EQ(rule(policy, "clone")->args,
            (std::set<ArgTuple>{{{0, kCloneNamespaces, kNewUser}}}));
}

TEST(Synthesize, GrantsClone3WhereItsFlagsAreUnknown) {
  const Policy policy = policy_of({fact("clone3")});
  EXPECT_NE(rule(policy, "clone3"), nullptr);
  EXPECT_THAT(finding_ids(policy), testing::Contains("clone-unfenced"));
}

// A libc that asks for clone3 first, in the next image, takes clone then.
TEST(Synthesize, AnswersClone3WithEnosysWhereOnlyCloneWasSeen) {
  const Policy policy = policy_of({fact("clone", {{0x3d0f00}})});
  EXPECT_EQ(rule(policy, "clone3"), nullptr);
  const ExpectedDenial* denial = find_expected(policy, call("clone3"));
  ASSERT_NE(denial, nullptr);
  EXPECT_EQ(denial->error, 38U);
  EXPECT_EQ(describe(denial->reasons.at(0)),
            "always: not seen of the workload; ENOSYS, so that a C library "
            "asks for clone, which is granted");
  EXPECT_EQ(rule(policy, "clone")->args,
            (std::set<ArgTuple>{{{0, kCloneNamespaces, 0}}}));
}

TEST(Synthesize, AnswersNoClone3WhereThereIsNoCloneToTurnTo) {
  const auto planned = [](const Policy& policy) {
    return find_expected(policy, call("clone3")) != nullptr;
  };
  EXPECT_FALSE(planned(policy_of({fact("read")})));
  // No C library turns from clone3 to these.
  EXPECT_FALSE(planned(policy_of({fact("fork"), fact("vfork")})));
  EXPECT_FALSE(planned(policy_of(
      {fact("clone")},
      {.decisions = {{"syscall clone", "drop", "ann", "no children"}}})));
  EXPECT_FALSE(planned(policy_of(
      {fact("clone3", {{0x3d0f00}})},
      {.decisions = {{"syscall clone", "drop", "ann", "no children"}}})));
  // But what it always got it gets.
  EXPECT_TRUE(
      planned(policy_of({fact("clone3", sample::failed(3, "ENOSYS"))})));
}

TEST(Synthesize, AnswersClone3WhoeverGrantedClone) {
  const auto error = [](const Policy& policy, kernel::Arch arch) {
    const ExpectedDenial* denial = find_expected(policy, call("clone3", arch));
    return denial == nullptr ? 0U : denial->error;
  };
  SynthesisOptions options;
  options.closures = {.resilient_libc = true, .aarch64 = true};
  const Policy closed = policy_of({fact("vfork")}, options);
  EXPECT_EQ(error(closed, kernel::Arch::X86_64), 38U);
  EXPECT_EQ(error(closed, kernel::Arch::Aarch64), 38U);
  const Policy added =
      policy_of({fact("read")},
                {.decisions = {{"syscall clone", "add", "ann", "threads"}}});
  EXPECT_EQ(error(added, kernel::Arch::X86_64), 38U);
}

TEST(Synthesize, APersonMayGrantClone3BesideClone) {
  const Policy policy = policy_of(
      {fact("clone", {{0x3d0f00}})},
      {.decisions = {{"syscall clone3", "add", "ann", "into a cgroup"}}});
  EXPECT_NE(rule(policy, "clone3"), nullptr);
  EXPECT_EQ(find_expected(policy, call("clone3")), nullptr);
}

TEST(Synthesize, AnswersADroppedClone3WithEnosys) {
  // Its flags are unknown, so it is granted, and dropped by a person.
  const Policy policy = policy_of(
      {fact("clone3")},
      {.decisions = {{"syscall clone3", "drop", "ann", "hides its flags"}}});
  const ExpectedDenial* denial = find_expected(policy, call("clone3"));
  ASSERT_NE(denial, nullptr);
  EXPECT_EQ(describe(denial->reasons.at(0)),
            "always: ENOSYS, so that a C library asks for clone, which is "
            "granted");
}

TEST(Synthesize, KeepsACallThatAlwaysFailedDenied) {
  const Policy policy = policy_of({fact("rseq", sample::failed(4, "ENOSYS")),
                                   fact("mlock", sample::failed(4, "EPERM")),
                                   fact("stat", sample::failed(4, "ENOENT"))});
  EXPECT_EQ(rule(policy, "rseq"), nullptr);
  EXPECT_EQ(find_expected(policy, call("rseq"))->error, 38U);
  EXPECT_EQ(find_expected(policy, call("mlock"))->error, 1U);
  EXPECT_NE(rule(policy, "stat"), nullptr);
}

TEST(Synthesize, HealsFromItsOwnDenials) {
  evidence::SyscallFact socket = fact("socket", sample::refused(2, "EPERM"));
  socket.denied_args = evidence::Arguments{{{1, 1, 0}}};
  EXPECT_EQ(rule(policy_of({socket}), "socket"), nullptr);
  const Policy healed = policy_of({socket}, {.heal = true});
  ASSERT_NE(rule(healed, "socket"), nullptr);
  EXPECT_EQ(rule(healed, "socket")->args.size(), 1U);
  EXPECT_EQ(rule(healed, "socket")->reasons.at(0).cause, Cause::Denied);
}

TEST(Synthesize, HealingLeavesThreadCreationFenced) {
  // Recorded free, then under its own policy, which answers clone3 with ENOSYS.
  evidence::SyscallFact refused =
      fact("clone3", sample::Tuples{{0x3d0f00}}, seen(2, "serving", "r1"));
  refused.by["r2"].denied = 1;
  refused.by["r2"].denied_errnos = {{"ENOSYS", 1}};
  const Policy healed = policy_of({refused}, {.heal = true});
  EXPECT_EQ(rule(healed, "clone3"), nullptr);
  ASSERT_NE(rule(healed, "clone"), nullptr);
  EXPECT_EQ(rule(healed, "clone")->args,
            (std::set<ArgTuple>{{{0, kCloneNamespaces, 0}}}));
  EXPECT_THAT(finding_ids(healed),
              testing::Not(testing::Contains("clone-unfenced")));
}

TEST(Synthesize, HealingOfClone3AsksCloneForTheNamespacesThatWereRefused) {
  evidence::SyscallFact refused = fact("clone3", sample::refused(1, "EPERM"));
  refused.denied_args = evidence::Arguments{{{kNewUser}}};
  const Policy healed = policy_of({refused}, {.heal = true});
  EXPECT_EQ(rule(healed, "clone3"), nullptr);
  ASSERT_NE(rule(healed, "clone"), nullptr);
  EXPECT_EQ(rule(healed, "clone")->args,
            (std::set<ArgTuple>{{{0, kCloneNamespaces, kNewUser}}}));
}

TEST(Synthesize, WhatAPersonDroppedNoClosureBringsBack) {
  SynthesisOptions options;
  options.decisions = {{"syscall openat2", "drop", "ann", "not here"}};
  options.closures.resilient_libc = true;
  const Policy policy = policy_of({fact("openat")}, options);
  EXPECT_EQ(rule(policy, "openat2"), nullptr);
  EXPECT_NE(rule(policy, "open"), nullptr);
}

TEST(Synthesize, ObeysDecisions) {
  const SynthesisOptions options{
      .decisions = {{"syscall ptrace", "drop", "ann", "debug build"},
                    {"syscall sync", "add", "bob", "nightly job"},
                    {"capability CHOWN", "add", "bob", "nightly job"}}};
  const Policy policy = policy_of({fact("ptrace", {{0}})}, options);
  EXPECT_EQ(rule(policy, "ptrace"), nullptr);
  ASSERT_NE(rule(policy, "sync"), nullptr);
  EXPECT_EQ(rule(policy, "sync")->reasons.at(0).note,
            "add by bob: nightly job");
  EXPECT_NE(find_capability(policy, 0), nullptr);
}

TEST(Synthesize, RefusesADecisionAboutNothing) {
  const auto policy =
      synthesize(evidence_of({process({fact("read")})}),
                 {.decisions = {{"syscall ptrce", "drop", "ann", ""}}});
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(policy.error().hint(), testing::HasSubstr("ptrace"));
}

TEST(Synthesize, TheSameBehaviorGivesTheSameBytes) {
  evidence::By other = seen(977, "serving", "r2");
  other.begin()->second.first = evidence::Instant{std::chrono::hours(5)};
  const Policy one =
      policy_of({fact("read", seen(3)), fact("ioctl", {{0x5401}}, seen(1))});
  const auto again = synthesize(evidence_of(
      {process({fact("read", other), fact("ioctl", {{0x5401}}, other)})},
      "r2"));
  EXPECT_EQ(print(one), print(again.value()));
}

TEST(Synthesize, SaysWhatTheEvidenceLacks) {
  evidence::Evidence evidence = evidence_of({process({fact("read")})});
  evidence.recordings[0].verdict = evidence::judge({{"io_uring", "seen"}});
  const Policy policy = synthesize(evidence).value();
  EXPECT_EQ(policy.evidence_state, evidence::State::Incomplete);
  EXPECT_EQ(policy.gaps, std::set<std::string>{"io_uring"});
  EXPECT_THAT(finding_ids(policy), testing::Contains("evidence-incomplete"));
}

TEST(Synthesize, NamesDangerousGrantsUnlessWaived) {
  const auto severity = [](const Policy& policy) {
    for (const Finding& finding : policy.findings) {
      if (finding.id == "dangerous-syscall") {
        return finding.severity;
      }
    }
    return std::string("none");
  };
  EXPECT_EQ(severity(policy_of({fact("mount", {{0}})})), "high");
  EXPECT_EQ(severity(policy_of(
                {fact("mount", {{0}})},
                {.waivers = {{"syscall mount", "ann", "why", "2099-01-01"}}})),
            "info");
  // Threads are no danger.
  EXPECT_EQ(severity(policy_of({fact("clone", {{0x3d0f00}})})), "none");
}

}  // namespace
}  // namespace vambrace::policy
