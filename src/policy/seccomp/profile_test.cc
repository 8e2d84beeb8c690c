#include "policy/seccomp/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::policy::seccomp {
namespace {

std::string error_of(std::string_view text) {
  const Result<Profile> parsed = parse(text);
  EXPECT_FALSE(parsed) << text;
  if (parsed) {
    return "";
  }
  EXPECT_EQ(parsed.error().code(), ErrorCode::InvalidInput);
  return parsed.error().message();
}

TEST(SeccompProfile, ReadsDockersForm) {
  const Result<Profile> p = parse(R"({
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 1,
    "archMap": [{"architecture": "SCMP_ARCH_X86_64",
                 "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}],
    "syscalls": [
      {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "args": null,
       "comment": "", "includes": {"minKernel": "4.8"}, "excludes": {}},
      {"name": "mount", "action": "SCMP_ACT_KILL", "args": [],
       "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390x"]}}]})");
  ASSERT_TRUE(p) << p.error().message();
  EXPECT_EQ(p->default_errno_ret, 1U);
  EXPECT_EQ(p->arch_map[0].sub_architectures.size(), 2U);
  EXPECT_EQ(p->entries[0].includes.min_kernel, "4.8");
  EXPECT_EQ(p->entries[1].names, std::vector<std::string>{"mount"});
  EXPECT_EQ(p->entries[1].action, Action::KillThread);
  EXPECT_EQ(parse(print(*p)), *p);
}

TEST(SeccompProfile, ReadsPodmansErrnoNames) {
  const Result<Profile> p = parse(R"({
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOSYS",
    "defaultErrnoRet": 38,
    "syscalls": [{"names": ["a"], "action": "SCMP_ACT_ERRNO",
                  "errno": "EPERM"}]})");
  ASSERT_TRUE(p) << p.error().message();
  EXPECT_EQ(p->default_errno_ret, 38U);
  EXPECT_EQ(p->entries[0].errno_ret, 1U);
}

TEST(SeccompProfile, NamesThePlaceOfEachFault) {
  EXPECT_EQ(error_of("{}"), "defaultAction: missing");
  EXPECT_EQ(error_of(R"({"defaultAction": "SCMP_ACT_ALOW"})"),
            "defaultAction: unknown action \"SCMP_ACT_ALOW\"");
  EXPECT_EQ(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW",
                         "architectures": ["SCMP_ARCH_X86", "VAX"]})"),
            "architectures[1]: unknown architecture \"VAX\"");
  EXPECT_EQ(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                {"names": ["a"], "action": "SCMP_ACT_LOG",
                 "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}]})"),
            "syscalls[0].args[0].index: 6 is not an argument: they are 0 to 5");
  EXPECT_EQ(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                {"names": ["a"], "action": "SCMP_ACT_LOG",
                 "args": [{"index": 0, "value": 0, "op": "EQ"}]}]})"),
            "syscalls[0].args[0].op: unknown operator \"EQ\"");
  EXPECT_EQ(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "sycalls": []})"),
            "document: unknown key \"sycalls\"");
  EXPECT_EQ(error_of(R"({"defaultAction": "SCMP_ACT_ERRNO",
                         "defaultErrnoRet": 4096})"),
            "defaultErrnoRet: 4096 is above 4095, the highest errno of the "
            "kernel");
  EXPECT_EQ(error_of(R"({"defaultAction": "SCMP_ACT_ERRNO",
                         "defaultErrno": "ENOPE"})"),
            "defaultErrno: unknown errno \"ENOPE\"");
  EXPECT_EQ(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                {"names": [], "action": "SCMP_ACT_LOG"}]})"),
            "syscalls[0]: no names");
  EXPECT_EQ(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                {"names": ["a"], "name": "b", "action": "SCMP_ACT_LOG"}]})"),
            "syscalls[0]: both name and names");
  EXPECT_EQ(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                {"names": ["a"], "action": "SCMP_ACT_LOG",
                 "includes": {"minKernel": "4"}}]})"),
            "syscalls[0].includes.minKernel: \"4\" is not of the form 4.8");
}

TEST(SeccompProfile, RefusesWhatIsTooLarge) {
  EXPECT_FALSE(parse(std::string(kMaxProfileBytes + 1, ' ')));
  EXPECT_FALSE(parse(std::string(100, '[')));
  std::string args;
  for (std::size_t i = 0; i <= kMaxConditions; ++i) {
    args += R"({"index": 0, "value": 0, "op": "SCMP_CMP_EQ"},)";
  }
  args.pop_back();
  EXPECT_THAT(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                {"names": ["a"], "action": "SCMP_ACT_LOG", "args": [)" +
                       args + "]}]}"),
              testing::HasSubstr("conditions, more than 64"));
}

TEST(SeccompProfile, ReturnValuesReadAsTheKernelReadsThem) {
  for (const Action action : {Action::KillProcess, Action::KillThread,
                              Action::Notify, Action::Log, Action::Allow}) {
    EXPECT_EQ(from_return_value(to_return_value({action, 0})),
              (Outcome{action, 0}));
  }
  EXPECT_EQ(to_return_value({Action::Errno, 1}), 0x50001U);
  EXPECT_EQ(from_return_value(0x5ffff), (Outcome{Action::Errno, 4095}));
  EXPECT_EQ(from_return_value(0x7ff00007), (Outcome{Action::Trace, 7}));
  EXPECT_EQ(from_return_value(0x7fff0001), (Outcome{Action::Allow, 0}));
  EXPECT_EQ(from_return_value(0x12340000), (Outcome{Action::KillProcess, 0}));
}

}  // namespace
}  // namespace vambrace::policy::seccomp
