#include "policy/seccomp/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/seccomp/effective.h"

namespace vambrace::policy::seccomp {
namespace {

using kernel::Arch;

constexpr Outcome kAllow{Action::Allow, 0};
constexpr Outcome kEperm{Action::Errno, 1};
constexpr Outcome kEnosys{Action::Errno, 38};
constexpr Outcome kKilled{Action::KillThread, 0};

// Asks a profile in a few words.
class Asked {
 public:
  Asked(std::string_view text, std::string_view target)
      : evaluator_(make(text, target)) {}

  Outcome x86_64(std::string_view name, Arguments args = {}) const {
    return at(Arch::X86_64, *kernel::syscall_number(Arch::X86_64, name), args);
  }
  Outcome i386(std::string_view name, Arguments args = {}) const {
    return at(Arch::I386, *kernel::syscall_number(Arch::I386, name), args);
  }
  Outcome at(Arch arch, std::uint32_t nr, Arguments args = {}) const {
    return evaluator_.outcome(kernel::audit_arch(arch), nr, args);
  }
  const Evaluator& evaluator() const { return evaluator_; }

 private:
  static Evaluator make(std::string_view text, std::string_view target) {
    Result<Profile> profile = parse(text);
    CHECK(profile);
    Result<Evaluator> made =
        Evaluator::of(*profile, *runtime::target_named(target));
    CHECK(made);
    return *made;
  }
  Evaluator evaluator_;
};

constexpr std::string_view kSmall = R"({
  "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
  "architectures": ["SCMP_ARCH_X86_64"],
  "syscalls": [{"names": ["read", "execve", "statx"],
                "action": "SCMP_ACT_ALLOW"},
               {"names": ["ptrace"], "action": "SCMP_ACT_ERRNO"}]})";

TEST(Evaluate, DefaultErrnoIsLostByDocker2010Only) {
  EXPECT_EQ(Asked(kSmall, "docker").x86_64("mount"), kEperm);
  EXPECT_EQ(Asked(kSmall, "runc").x86_64("mount"), kEnosys);
  EXPECT_EQ(Asked(kSmall, "crun").x86_64("mount"), kEnosys);
  EXPECT_EQ(Asked(kSmall, "crun").x86_64("ptrace"), kEperm);
}

TEST(Evaluate, RuncAnswersEnosysAboveTheHighestNamedCall) {
  const Asked docker(kSmall, "docker");
  EXPECT_EQ(docker.evaluator().stub_boundary(Arch::X86_64), 332U);  // statx
  EXPECT_EQ(docker.at(Arch::X86_64, 331), kEperm);
  EXPECT_EQ(docker.at(Arch::X86_64, 333), kEnosys);
  EXPECT_EQ(docker.at(Arch::X86_64, 0x3fffffff), kEnosys);
  EXPECT_EQ(docker.at(Arch::X86_64, 0x80000000), kEnosys);
  const Asked process(R"({"defaultAction": "SCMP_ACT_ERRNO",
    "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]})",
                      "process");
  EXPECT_EQ(process.at(Arch::X86_64, 333), kEperm);
}

TEST(Evaluate, TheStubIsGoneWhereTheDefaultLetsCallsThrough) {
  const Asked log(R"({"defaultAction": "SCMP_ACT_LOG",
    "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]})",
                  "docker");
  EXPECT_EQ(log.at(Arch::X86_64, 400), (Outcome{Action::Log, 0}));
}

TEST(Evaluate, OtherArchitecturesAndX32AreKilled) {
  const Asked asked(kSmall, "docker");
  EXPECT_EQ(asked.i386("read"), kKilled);
  EXPECT_EQ(asked.at(Arch::X86_64, 0x40000000), kKilled);
  // -1: the call that a tracer skips.
  EXPECT_EQ(asked.at(Arch::X86_64, 0xffffffff), kEperm);
}

TEST(Evaluate, TheNativeArchitectureIsAlwaysThere) {
  const Asked asked(R"({"defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86"],
    "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]})",
                    "docker");
  EXPECT_EQ(asked.x86_64("read"), kAllow);
  EXPECT_EQ(asked.i386("read"), kAllow);
  // But it has no stub, since runc 1.1.5 makes one for those listed.
  EXPECT_EQ(asked.at(Arch::X86_64, 400), kEperm);
  EXPECT_EQ(asked.at(Arch::I386, 400), kEnosys);
}

TEST(Evaluate, ConditionsOnOneIndexAreAlternatives) {
  const Asked asked(R"({"defaultAction": "SCMP_ACT_ERRNO",
    "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
      {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
      {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"},
      {"index": 1, "value": 3, "op": "SCMP_CMP_EQ"}]},
     {"names": ["prctl"], "action": "SCMP_ACT_ALLOW", "args": [
      {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
      {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]}]})",
                    "crun");
  EXPECT_EQ(asked.x86_64("socket", {1, 0}), kAllow);
  EXPECT_EQ(asked.x86_64("socket", {2, 0}), kAllow);
  EXPECT_EQ(asked.x86_64("socket", {9, 3}), kAllow);
  EXPECT_EQ(asked.x86_64("socket", {9, 0}), kEperm);
  EXPECT_EQ(asked.x86_64("prctl", {1, 0}), kEperm);
  EXPECT_EQ(asked.x86_64("prctl", {1, 2}), kAllow);
}

TEST(Evaluate, AnEntryWithoutConditionsWinsWhereverItStands) {
  for (const char* text : {R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
           {"names": ["clone"], "action": "SCMP_ACT_ALLOW"},
           {"names": ["clone"], "action": "SCMP_ACT_KILL", "args": [
             {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]})",
                           R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
           {"names": ["clone"], "action": "SCMP_ACT_KILL", "args": [
             {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
           {"names": ["clone"], "action": "SCMP_ACT_ALLOW"},
           {"names": ["clone"], "action": "SCMP_ACT_TRAP"}]})"}) {
    EXPECT_EQ(Asked(text, "docker").x86_64("clone", {1}), kAllow);
  }
}

TEST(Evaluate, ValuesAreComparedUnderTheirMaskAndWidth) {
  const Asked asked(R"({"defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    "syscalls": [
     {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
       {"index": 0, "value": 4294967295, "valueTwo": 4294967304,
        "op": "SCMP_CMP_MASKED_EQ"}]},
     {"names": ["umask"], "action": "SCMP_ACT_ALLOW", "args": [
       {"index": 0, "value": 4294967304, "op": "SCMP_CMP_EQ"}]}]})",
                    "docker");
  EXPECT_EQ(asked.x86_64("personality", {0xdead00000008}), kAllow);
  EXPECT_EQ(asked.x86_64("personality", {9}), kEperm);
  EXPECT_EQ(asked.x86_64("umask", {8}), kEperm);
  EXPECT_EQ(asked.x86_64("umask", {0x100000008}), kAllow);
  EXPECT_EQ(asked.i386("umask", {8}), kAllow);  // the upper half is cut off
}

TEST(Evaluate, SocketCallsReachTheMultiplexerOfI386) {
  const Asked asked(R"({"defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86"],
    "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
      {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}]})",
                    "crun");
  EXPECT_EQ(asked.i386("socket", {2}), kAllow);
  EXPECT_EQ(asked.i386("socket", {1}), kEperm);
  EXPECT_EQ(asked.i386("socketcall", {1}), kAllow);  // SYS_SOCKET
  EXPECT_EQ(asked.i386("socketcall", {2}), kEperm);  // SYS_BIND
}

TEST(Evaluate, NamesUnknownToTheTargetsLibseccompHaveNoEffect) {
  const Asked asked(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
    {"names": ["mseal", "no_such_call", "read"],
     "action": "SCMP_ACT_ALLOW"}]})",
                    "crun");
  EXPECT_EQ(asked.x86_64("mseal"), kEperm);
  EXPECT_EQ(asked.x86_64("read"), kAllow);
  EXPECT_THAT(asked.evaluator().unknown_names(),
              testing::ElementsAre("mseal", "no_such_call"));
}

TEST(Evaluate, IncludesAndExcludesAreReadByEnginesOnly) {
  constexpr std::string_view kText = R"({"defaultAction": "SCMP_ACT_ERRNO",
    "syscalls": [
     {"names": ["mount"], "action": "SCMP_ACT_ALLOW",
      "includes": {"caps": ["CAP_SYS_ADMIN"]}},
     {"names": ["chroot"], "action": "SCMP_ACT_ALLOW",
      "includes": {"caps": ["CAP_SYS_CHROOT"]}},
     {"names": ["umount2"], "action": "SCMP_ACT_ALLOW",
      "excludes": {"arches": ["amd64"]}},
     {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW",
      "includes": {"minKernel": "4.8"}},
     {"names": ["bpf"], "action": "SCMP_ACT_ALLOW",
      "includes": {"minKernel": "99.0"}}]})";
  const Asked docker(kText, "docker");
  EXPECT_EQ(docker.x86_64("mount"), kEperm);
  EXPECT_EQ(docker.x86_64("chroot"), kAllow);
  EXPECT_EQ(docker.x86_64("umount2"), kEperm);
  EXPECT_EQ(docker.x86_64("ptrace"), kAllow);
  EXPECT_EQ(docker.x86_64("bpf"), kEperm);
  // To runc itself these are unknown keys, and every entry applies.
  const Asked runc(kText, "kubernetes");
  for (const char* name : {"mount", "umount2", "bpf"}) {
    EXPECT_EQ(runc.x86_64(name), kAllow) << name;
  }
}

TEST(Effective, SaysWhatTheEngineDropped) {
  const auto made = effective(*parse(kSmall), *runtime::target_named("docker"));
  ASSERT_TRUE(made);
  EXPECT_THAT(
      made->dropped,
      testing::ElementsAre("defaultErrnoRet: dropped by docker 20.10.24"));
}

TEST(Effective, RefusesWhatTheRuntimeRefuses) {
  const auto refused = [](std::string_view text, std::string_view target) {
    const auto made = effective(*parse(text), *runtime::target_named(target));
    return made ? "" : made.error().message();
  };
  constexpr std::string_view kFlags = R"({"defaultAction": "SCMP_ACT_ALLOW",
    "flags": ["SECCOMP_FILTER_FLAG_LOG"]})";
  EXPECT_EQ(refused(kFlags, "runc"), "flags: runc 1.1.5 refuses any");
  EXPECT_EQ(refused(kFlags, "docker"), "");
  EXPECT_EQ(refused(kFlags, "crun"), "");
  EXPECT_EQ(refused(R"({"defaultAction": "SCMP_ACT_ALLOW",
                        "defaultErrnoRet": 1})",
                    "crun"),
            "defaultErrnoRet: crun 1.8.1 refuses one beside SCMP_ACT_ALLOW");
  EXPECT_EQ(refused(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
              {"names": ["write"], "action": "SCMP_ACT_NOTIFY"}]})",
                    "runc"),
            "syscalls[0]: runc 1.1.5 refuses SCMP_ACT_NOTIFY for write");
  EXPECT_EQ(refused(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
              {"names": ["write"], "action": "SCMP_ACT_ERRNO",
               "errnoRet": 4095}]})",
                    "runc"),
            "syscalls[0].errnoRet: libseccomp 2.5.4 refuses 4095");
}

TEST(Effective, KnowsWhoReadsTheOldKeyName) {
  const Profile old = *parse(R"({"defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"name": "flock", "action": "SCMP_ACT_ERRNO"}]})");
  const auto on = [&](std::string_view target) {
    return effective(old, *runtime::target_named(target));
  };
  EXPECT_EQ(on("docker")->profile.entries.size(), 1U);
  EXPECT_EQ(on("runc")->profile.entries.size(), 0U);
  EXPECT_EQ(on("runc")->dropped.size(), 1U);
  EXPECT_EQ(on("crun").error().message(),
            "syscalls[0]: crun 1.8.1 refuses an entry without names");
}

}  // namespace
}  // namespace vambrace::policy::seccomp
