#include "policy/risk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/capabilities.h"
#include "kernel/syscalls.h"

namespace vambrace::policy {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

constexpr std::uint64_t kAll32 = 0xffffffff;

std::vector<std::string> names_of(
    const std::vector<const ArgumentRisk*>& values) {
  std::vector<std::string> out;
  for (const ArgumentRisk* one : values) {
    out.push_back(one->name);
  }
  return out;
}

// clone(2) with the namespaces in `flags` and no others.
std::set<ArgTuple> clone_of(std::uint64_t flags) {
  return {{{0, 0x7e020000, flags}}};
}

std::set<ArgTuple> socket_of(std::uint64_t family, std::uint64_t type) {
  return {{{0, kAll32, family}, {1, 0xfff7f7ff, type}, {2, kAll32, 0}}};
}

TEST(Risks, OfEverySystemCallOfEveryArchitectureAreTold) {
  for (const kernel::Arch arch : kernel::kAllArches) {
    for (const std::uint32_t number : kernel::syscall_numbers(arch)) {
      const auto name = *kernel::syscall_name({arch, number});
      const Risk* risk = risk_of(builtin_risks(), name);
      ASSERT_NE(risk, nullptr) << name;
      EXPECT_FALSE(risk->exposes.empty()) << name;
      EXPECT_FALSE(risk->sources.empty()) << name;
    }
  }
}

TEST(Risks, OfEveryCapabilityAndKindOfAccessAreTold) {
  for (std::uint32_t n = 0; n <= kernel::kLastCapability; ++n) {
    EXPECT_NE(risk_of_capability(builtin_risks(), n), nullptr) << n;
  }
  for (const std::string_view kind : kAccessKinds) {
    EXPECT_NE(risk_of_access(builtin_risks(), kind), nullptr) << kind;
  }
}

TEST(Risks, ThatATableLeavesOutAreUnknownAndNotLow) {
  const RiskTable empty;
  EXPECT_EQ(risk_of(empty, "read"), nullptr);
  EXPECT_EQ(level_of(risk_of(empty, "read")), RiskClass::Unknown);
  EXPECT_EQ(level_of(risk_of_capability(empty, 21)), RiskClass::Unknown);
  EXPECT_EQ(level_of(risk_of_access(empty, "mount")), RiskClass::Unknown);
  EXPECT_EQ(level_of(risk_of_path(empty, "/etc/shadow")), RiskClass::Unknown);
  EXPECT_EQ(risk_of_grant(empty, "read", {}).level, RiskClass::Unknown);
  EXPECT_EQ(risk_of_grant(empty, "read", {{{0, 1, 0}}}).level,
            RiskClass::Unknown);
  EXPECT_GT(RiskClass::Unknown, RiskClass::Medium);
}

TEST(Risks, OfACallOfTheKernelsOwnKindAreUnknown) {
  EXPECT_EQ(risk_of(builtin_risks(), "opnat"), nullptr);
  EXPECT_EQ(risk_of_capability(builtin_risks(), 41), nullptr);
}

TEST(Risks, ThatWereHighBeforeTheyWereDataAreHigh) {
  for (const std::string_view name : {"acct",
                                      "add_key",
                                      "adjtimex",
                                      "bpf",
                                      "chroot",
                                      "clock_adjtime",
                                      "clock_settime",
                                      "clone3",
                                      "create_module",
                                      "delete_module",
                                      "fanotify_init",
                                      "finit_module",
                                      "fsconfig",
                                      "fsmount",
                                      "fsopen",
                                      "fspick",
                                      "init_module",
                                      "io_uring_enter",
                                      "io_uring_register",
                                      "io_uring_setup",
                                      "ioperm",
                                      "iopl",
                                      "kcmp",
                                      "kexec_file_load",
                                      "kexec_load",
                                      "keyctl",
                                      "lookup_dcookie",
                                      "mbind",
                                      "migrate_pages",
                                      "modify_ldt",
                                      "mount",
                                      "mount_setattr",
                                      "move_mount",
                                      "move_pages",
                                      "name_to_handle_at",
                                      "nfsservctl",
                                      "open_by_handle_at",
                                      "open_tree",
                                      "perf_event_open",
                                      "personality",
                                      "pidfd_getfd",
                                      "pivot_root",
                                      "process_madvise",
                                      "process_vm_readv",
                                      "process_vm_writev",
                                      "ptrace",
                                      "quotactl",
                                      "quotactl_fd",
                                      "reboot",
                                      "request_key",
                                      "setdomainname",
                                      "sethostname",
                                      "setns",
                                      "settimeofday",
                                      "stime",
                                      "swapoff",
                                      "swapon",
                                      "syslog",
                                      "umount",
                                      "umount2",
                                      "unshare",
                                      "uselib",
                                      "userfaultfd",
                                      "vm86",
                                      "vm86old"}) {
    EXPECT_NE(syscall_risk(name), nullptr) << name;
  }
  for (const std::uint32_t number :
       {2, 12, 16, 17, 19, 21, 22, 25, 32, 33, 34, 38, 39, 40}) {
    EXPECT_NE(capability_risk(number), nullptr) << number;
  }
}

TEST(Risks, OfWhatEveryProgramCallsAreNotHigh) {
  for (const std::string_view name : {"read", "write", "openat", "mmap",
                                      "futex", "clone", "execve", "socket"}) {
    EXPECT_EQ(syscall_risk(name), nullptr) << name;
  }
  EXPECT_EQ(capability_risk(10), nullptr);
}

TEST(Risks, ThatNoWorkloadHasAUseForAreHigh) {
  std::vector<std::string> names;
  for (const auto& [name, risk] : builtin_risks().syscalls) {
    if (risk.never_legitimate) {
      names.push_back(name);
      EXPECT_EQ(risk.level, RiskClass::High) << name;
    }
  }
  EXPECT_THAT(
      names,
      ElementsAre("acct", "create_module", "delete_module", "finit_module",
                  "init_module", "ioperm", "iopl", "kexec_file_load",
                  "kexec_load", "lookup_dcookie", "nfsservctl", "reboot",
                  "swapoff", "swapon", "uselib", "vm86", "vm86old"));
}

TEST(Risks, OfValuesStandBesideTheCallsOwn) {
  const auto values = risky_values();
  const auto socket = std::ranges::find(values, "socket", &RiskyValues::call);
  ASSERT_NE(socket, values.end());
  EXPECT_THAT(socket->values, Contains(ArgMatch{0, kAll32, 17}));
  EXPECT_THAT(socket->values, Not(Contains(ArgMatch{0, kAll32, 2})));
  EXPECT_TRUE(std::ranges::is_sorted(values, {}, &RiskyValues::call));
}

TEST(Risks, OfAGrantWithAnyArgumentsAreThoseOfItsWorstValue) {
  const GrantRisk any = risk_of_grant(builtin_risks(), "clone", {});
  EXPECT_EQ(any.level, RiskClass::High);
  EXPECT_EQ(any.risk, &any.values.front()->risk);
}

TEST(Risks, OfAGrantThatIsPinnedAreThoseOfWhatItLetsThrough) {
  const RiskTable& table = builtin_risks();
  EXPECT_EQ(risk_of_grant(table, "clone", clone_of(0)).level, RiskClass::Low);
  const GrantRisk users = risk_of_grant(table, "clone", clone_of(0x10000000));
  EXPECT_EQ(users.level, RiskClass::High);
  EXPECT_THAT(names_of(users.values), ElementsAre("CLONE_NEWUSER"));
  EXPECT_EQ(risk_of_grant(table, "socket", socket_of(1, 1)).level,
            RiskClass::Low);
  EXPECT_EQ(risk_of_grant(table, "socket", socket_of(17, 3)).level,
            RiskClass::High);
  EXPECT_EQ(risk_of_grant(table, "ptrace", {{{0, ~std::uint64_t{0}, 0}}}).level,
            RiskClass::Low);
}

TEST(Risks, OfAGrantOfOneLowAndOneHighValueAreHigh) {
  std::set<ArgTuple> both = socket_of(1, 1);
  both.merge(socket_of(40, 1));
  const GrantRisk risk = risk_of_grant(builtin_risks(), "socket", both);
  EXPECT_EQ(risk.level, RiskClass::High);
  EXPECT_EQ(risk.values.front()->name, "AF_VSOCK");
}

// A family that the table does not tell: that its type is a stream says
// nothing.
TEST(Risks, OfAValueThatTheTableDoesNotTellAreAtLeastThoseOfTheCall) {
  const GrantRisk risk =
      risk_of_grant(builtin_risks(), "socket", socket_of(99, 1));
  EXPECT_EQ(risk.level, RiskClass::Medium);
  EXPECT_EQ(risk.risk, risk_of(builtin_risks(), "socket"));
}

TEST(Risks, OfAGrantPinnedByAnotherArgumentAreThoseOfEveryValue) {
  const GrantRisk risk =
      risk_of_grant(builtin_risks(), "ioctl", {{{0, kAll32, 3}}});
  EXPECT_EQ(risk.level, RiskClass::High);
}

TEST(Risks, OfAPathAreThoseOfTheLongestThatStandsForIt) {
  const RiskTable& table = builtin_risks();
  const auto level = [&](std::string_view path) {
    return level_of(risk_of_path(table, path));
  };
  EXPECT_EQ(level("/proc/meminfo"), RiskClass::Low);
  EXPECT_EQ(level("/proc/sys/net/core/somaxconn"), RiskClass::Medium);
  EXPECT_EQ(level("/proc/sys/kernel/core_pattern"), RiskClass::High);
  EXPECT_EQ(level("/proc/sys/kernel"), RiskClass::High);
  // What every second program reads needs no waiver.
  EXPECT_EQ(level("/proc/sys/kernel/ngroups_max"), RiskClass::Medium);
  EXPECT_EQ(level("/proc/sys/kernel/random/boot_id"), RiskClass::Medium);
  EXPECT_EQ(level("/proc/sys/vm/overcommit_memory"), RiskClass::Medium);
  EXPECT_EQ(level("/proc/sys/vm/drop_caches"), RiskClass::High);
  EXPECT_EQ(level("/proc/12/mem"), RiskClass::High);
  EXPECT_EQ(level("/home/ann/.ssh/id_ed25519"), RiskClass::High);
  EXPECT_EQ(level("/home/ann/notes/.ssh"), RiskClass::Unknown);
  EXPECT_EQ(level("/etc/shadow-"), RiskClass::High);
  EXPECT_EQ(level("/etc/passwd"), RiskClass::Unknown);
  EXPECT_EQ(level("/dev/null"), RiskClass::Low);
  EXPECT_EQ(level("etc/shadow"), RiskClass::Unknown);
  EXPECT_EQ(level(""), RiskClass::Unknown);
  EXPECT_EQ(level("/"), RiskClass::Unknown);
}

TEST(Risks, HaveWordsThatReadBack) {
  for (const RiskClass level :
       {RiskClass::Low, RiskClass::Medium, RiskClass::High}) {
    EXPECT_EQ(risk_class_from(to_string(level)), level);
  }
  EXPECT_EQ(risk_class_from("unknown"), std::nullopt);
  EXPECT_EQ(to_string(RiskClass::Unknown), "unknown");
}

TEST(Risks, WhatIsCoveredIsNoWorseThanWhatCoversIt) {
  const RiskTable& table = builtin_risks();
  ASSERT_FALSE(table.covered.empty());
  for (const Equivalent& one : table.covered) {
    const Risk* risk = risk_of(table, one.call);
    ASSERT_NE(risk, nullptr) << one.call;
    EXPECT_LT(risk->level, RiskClass::High) << one.call;
    for (const std::string& by : one.by) {
      ASSERT_NE(risk_of(table, by), nullptr) << by;
      EXPECT_LE(risk->level, risk_of(table, by)->level) << one.call << by;
      EXPECT_NE(one.call, by);
    }
  }
  EXPECT_TRUE(covering(table, "chdir").empty());
  EXPECT_TRUE(covering(table, "ptrace").empty());
}

}  // namespace
}  // namespace vambrace::policy
