#include "policy/seccomp/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::policy::seccomp {
namespace {

using testing::Contains;
using testing::Not;

std::vector<std::string> ids(std::string_view text,
                             std::string_view target = "docker") {
  const auto remarks = lint(*parse(text), *runtime::target_named(target));
  EXPECT_TRUE(remarks);
  std::vector<std::string> out;
  for (const Remark& remark : *remarks) {
    out.push_back(remark.id + " " + remark.place);
  }
  return out;
}

constexpr std::string_view kTight = R"({
  "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
  "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
               {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
                 {"index": 0, "value": 4294967295, "valueTwo": 2,
                  "op": "SCMP_CMP_MASKED_EQ"}]}]})";

TEST(Lint, HasNothingToSayAboutATightProfile) {
  EXPECT_THAT(ids(kTight), testing::IsEmpty());
}

TEST(Lint, NamesAPermissiveDefault) {
  EXPECT_THAT(ids(R"({"defaultAction": "SCMP_ACT_ALLOW",
                      "architectures": ["SCMP_ARCH_X86_64"]})"),
              testing::ElementsAre("permissive-default defaultAction"));
}

TEST(Lint, NamesConditionsThatGarbageInTheUpperHalfPasses) {
  const auto found = ids(R"({"defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
      {"index": 0, "value": 38, "op": "SCMP_CMP_NE"}]},
     {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
      {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}]})");
  EXPECT_THAT(found, Contains("ne-on-32-bit syscalls[0].args[0]"));
  EXPECT_THAT(found, Contains("compare-on-32-bit syscalls[1].args[0]"));
}

TEST(Lint, NamesTheNearestCallForATypo) {
  const auto remarks = lint(*parse(R"({"defaultAction": "SCMP_ACT_ERRNO",
        "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
        {"names": ["read", "opnat"], "action": "SCMP_ACT_ALLOW"}]})"),
                            *runtime::target_named("docker"));
  ASSERT_TRUE(remarks);
  ASSERT_EQ(remarks->size(), 1U);
  EXPECT_EQ(remarks->front().place, "syscalls[0].names[1]");
  EXPECT_EQ(remarks->front().hint, "did you mean \"openat\"?");
}

TEST(Lint, NamesWhatTheTargetDrops) {
  constexpr std::string_view kText = R"({"defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": []})";
  EXPECT_THAT(ids(kText, "docker"), Contains("dropped defaultErrnoRet"));
  EXPECT_THAT(ids(kText, "crun"), Not(Contains("dropped defaultErrnoRet")));
}

TEST(Lint, NamesDangerousCallsAndTheWayAroundACloneRule) {
  const auto found = ids(R"({"defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
    "syscalls": [{"names": ["bpf", "clone3", "openat"],
                  "action": "SCMP_ACT_ALLOW"},
     {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [
      {"index": 0, "value": 2114060288, "valueTwo": 0,
       "op": "SCMP_CMP_MASKED_EQ"}]}]})");
  EXPECT_THAT(found, Contains("dangerous-allow bpf"));
  EXPECT_THAT(found, Contains("clone3-open clone3"));
  EXPECT_THAT(found, Contains("x32-open architectures"));
  EXPECT_THAT(found, Contains("alternative-open open, openat2"));
}

TEST(Lint, NamesAnEntryWhoseConditionsAllBecomeAlternatives) {
  EXPECT_THAT(ids(R"({"defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
      {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
      {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"},
      {"index": 2, "value": 3, "op": "SCMP_CMP_EQ"}]}]})"),
              Contains("all-alternatives syscalls[0].args"));
}

TEST(Lint, NamesAFilterThatNearlyFillsTheKernelsLimit) {
  const Profile profile = *parse(kTight);
  const runtime::Target target = *runtime::target_named("runc");
  const auto severest = [&](std::size_t size) {
    // Loads of the number, then a return of errno 1.
    Program program(size, {.code = 0x20});
    program.back() = {.code = 0x06, .k = 0x00050001};
    return lint_filter(program, profile, target).front();
  };
  EXPECT_EQ(severest(3584).id, "cacheable");
  EXPECT_EQ(severest(3585).id, "nearly-full");
  EXPECT_EQ(severest(kMaxInstructions).severity, Severity::Medium);
}

}  // namespace
}  // namespace vambrace::policy::seccomp
