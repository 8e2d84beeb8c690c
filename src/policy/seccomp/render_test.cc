#include "policy/seccomp/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/arguments.h"
#include "policy/seccomp/evaluate.h"

namespace vambrace::policy::seccomp {
namespace {

using kernel::Arch;

constexpr std::uint32_t kX86 = 0xc000003e;

kernel::Syscall call(std::string_view name, Arch arch = Arch::X86_64) {
  return {arch, kernel::syscall_number(arch, name).value()};
}

// read, and sockets of AF_UNIX.
Policy small() {
  const Reason reason{.cause = Cause::Observed, .exe = "/bin/app"};
  Policy policy;
  policy.arches = {Arch::X86_64};
  policy.syscalls = {
      {call("read"), {}, {reason}},
      {call("socket"), {{{0, 0xffffffff, 1}}}, {reason}},
  };
  return policy;
}

runtime::Target target(const char* name) {
  return runtime::target_named(name).value();
}

Outcome outcome(const Policy& policy, const char* where, Stage stage,
                std::string_view name, const Arguments& args = {}) {
  const auto rendered = render(policy, target(where), stage);
  EXPECT_TRUE(rendered);
  return evaluate(rendered->profile, target(where), kX86, call(name).nr, args)
      .value();
}

const Outcome kAllowed{Action::Allow, 0};
const Outcome kFailsEperm{Action::Errno, 1};
const Outcome kFailsEnosys{Action::Errno, 38};

TEST(Render, HardenAllowsThePolicyAndTheRuntimeOnly) {
  for (const std::string& name : runtime::target_names()) {
    const char* where = name.c_str();
    EXPECT_EQ(outcome(small(), where, Stage::Harden, "read"), kAllowed);
    EXPECT_EQ(outcome(small(), where, Stage::Harden, "execve"), kAllowed);
    EXPECT_EQ(outcome(small(), where, Stage::Harden, "mount"), kFailsEperm)
        << name;
    // A libc that tries clone3 must fall back to clone.
    EXPECT_EQ(outcome(small(), where, Stage::Harden, "clone3"), kFailsEnosys);
    EXPECT_EQ(outcome(small(), where, Stage::Harden, "memfd_create"),
              kFailsEnosys);
  }
}

TEST(Render, ArgumentsThatNoTupleMatchesGetTheTargetsDefault) {
  EXPECT_EQ(outcome(small(), "docker", Stage::Harden, "socket", {1}), kAllowed);
  EXPECT_EQ(outcome(small(), "docker", Stage::Harden, "socket", {38}),
            kFailsEperm);
  EXPECT_EQ(outcome(small(), "crun", Stage::Harden, "socket", {38}),
            kFailsEnosys);
  // The kernel reads 32 bits of it.
  EXPECT_EQ(outcome(small(), "docker", Stage::Harden, "socket", {0x7700000001}),
            kAllowed);
  EXPECT_EQ(outcome(small(), "docker", Stage::Harden, "socket", {0x100000026}),
            kFailsEperm);
}

TEST(Render, ExpectedDenialsKeepTheErrnoThatWasSeen) {
  Policy policy = small();
  policy.expected = {{call("mlock"), 12, {{.cause = Cause::Observed}}}};
  EXPECT_EQ(outcome(policy, "docker", Stage::Harden, "mlock"),
            (Outcome{Action::Errno, 12}));
  EXPECT_EQ(outcome(policy, "process", Stage::Harden, "mlock"),
            (Outcome{Action::Errno, 12}));
}

TEST(Render, ObserveRefusesNothing) {
  const Outcome logged{Action::Log, 0};
  EXPECT_EQ(outcome(small(), "docker", Stage::Observe, "read"), kAllowed);
  EXPECT_EQ(outcome(small(), "docker", Stage::Observe, "mount"), logged);
  EXPECT_EQ(outcome(small(), "docker", Stage::Observe, "clone3"), logged);
}

TEST(Render, AllowRefusesOnlyHighRisk) {
  const Outcome logged{Action::Log, 0};
  EXPECT_EQ(outcome(small(), "docker", Stage::Allow, "mount"), kFailsEperm);
  EXPECT_EQ(outcome(small(), "docker", Stage::Allow, "clone3"), kFailsEnosys);
  EXPECT_EQ(outcome(small(), "docker", Stage::Allow, "getcwd"), logged);
}

TEST(Render, AllowRefusesRiskyValuesOfHarmlessCalls) {
  const Outcome logged{Action::Log, 0};
  Policy policy = small();
  policy.syscalls.push_back({call("clone"),
                             {{{0, kCloneNamespaces, 0x20000}}},
                             {{.cause = Cause::Observed}}});
  std::ranges::sort(policy.syscalls);
  for (const char* name : {"docker", "runc", "process"}) {
    EXPECT_EQ(outcome(policy, name, Stage::Allow, "socket", {38}).action,
              Action::Errno);
    EXPECT_EQ(outcome(policy, name, Stage::Allow, "socket", {1}), kAllowed);
    EXPECT_EQ(outcome(policy, name, Stage::Allow, "socket", {16}), logged);
    EXPECT_EQ(outcome(policy, name, Stage::Allow, "clone", {0x10000011}).action,
              Action::Errno);
    EXPECT_EQ(outcome(policy, name, Stage::Allow, "clone", {0x20011}),
              kAllowed);  // CLONE_NEWNS, as recorded
    EXPECT_EQ(outcome(policy, name, Stage::Allow, "ioctl", {0, 0x5412}).action,
              Action::Errno);
    EXPECT_EQ(outcome(policy, name, Stage::Allow, "ioctl", {0, 0x5401}),
              logged);
  }
}

TEST(Render, KillsOnlyWhenAsked) {
  EXPECT_EQ(outcome(small(), "runc", Stage::Harden, "kexec_load"), kFailsEperm);
  const auto killing = render(small(), target("runc"), Stage::Harden,
                              {.kill_never_legitimate = true});
  EXPECT_EQ(evaluate(killing->profile, target("runc"), kX86,
                     call("kexec_load").nr, {})
                ->action,
            Action::KillProcess);
}

TEST(Render, TheRuntimesOwnOptionsJoinTheApplications) {
  Policy policy = small();
  policy.syscalls.push_back(
      {call("prctl"), {{{0, 0xffffffff, 15}}}, {{.cause = Cause::Observed}}});
  std::ranges::sort(policy.syscalls);
  runtime::Target loose = target("runc");
  loose.no_new_privs = false;
  const auto rendered = render(policy, loose, Stage::Harden);
  const auto with = [&](std::uint64_t option) {
    return evaluate(rendered->profile, loose, kX86, call("prctl").nr, {option})
        .value();
  };
  EXPECT_EQ(with(15), kAllowed);  // PR_SET_NAME, the application's
  EXPECT_EQ(with(24), kAllowed);  // PR_CAPBSET_DROP, runc's
  EXPECT_EQ(with(22), kFailsEperm);
}

TEST(Render, OneConditionCallsShareEntriesOfAtMostSix) {
  Policy policy = small();
  SyscallRule ioctl{call("ioctl"), {}, {{.cause = Cause::Observed}}};
  for (std::uint64_t request = 1; request <= 16; ++request) {
    ioctl.args.insert({{1, 0xffffffff, request}});
  }
  policy.syscalls.push_back(ioctl);
  std::ranges::sort(policy.syscalls);
  const auto rendered = render(policy, target("crun"), Stage::Harden);
  for (const Entry& entry : rendered->profile.entries) {
    EXPECT_LE(entry.args.size(), 6U);
  }
  for (std::uint64_t request = 1; request <= 16; ++request) {
    EXPECT_EQ(outcome(policy, "crun", Stage::Harden, "ioctl", {0, request}),
              kAllowed);
  }
  EXPECT_EQ(outcome(policy, "crun", Stage::Harden, "ioctl", {0, 17}),
            kFailsEnosys);
}

TEST(Render, WidensArgumentRulesRatherThanPassTheBudget) {
  Policy policy = small();
  SyscallRule& socket = policy.syscalls[1];
  for (std::uint64_t family = 0; family < 200; ++family) {
    socket.args.insert({{0, 0xffffffff, family}, {1, 0xffffffff, 1}});
  }
  const auto rendered = render(policy, target("runc"), Stage::Harden);
  ASSERT_TRUE(rendered);
  EXPECT_LE(rendered->profile.entries.size(), kMaxEntries);
  EXPECT_THAT(rendered->findings,
              testing::Contains(testing::Field(&Finding::id, "args-widened")));
}

TEST(Render, KnowsOnlyTheArchitecturesSeen) {
  const auto rendered = render(small(), target("docker"), Stage::Harden);
  EXPECT_THAT(rendered->profile.architectures,
              testing::ElementsAre("SCMP_ARCH_X86_64"));
}

TEST(Render, PrintsAProfileThatReadsBack) {
  for (const Stage stage : {Stage::Observe, Stage::Allow, Stage::Harden}) {
    const auto rendered = render(small(), target("docker"), stage);
    const auto again = parse(print(rendered->profile));
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(*again, rendered->profile);
  }
}

}  // namespace
}  // namespace vambrace::policy::seccomp
