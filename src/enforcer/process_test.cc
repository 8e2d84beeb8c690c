#include "enforcer/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::enforcer {
namespace {

using testing::HasSubstr;

runtime::Target process_target() {
  return *runtime::target_named("process");
}

policy::seccomp::Profile only_exit() {
  return *policy::seccomp::parse(R"({
    "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [{"names": ["exit_group"], "action": "SCMP_ACT_ALLOW"}]})");
}

TEST(LaunchSpec, HoldsFilterAndCapabilities) {
  const std::uint32_t capabilities[] = {10, 40};
  const auto spec = launch_spec(only_exit(), process_target(), capabilities);
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_GT(spec->filter_length, 3U);
  EXPECT_EQ(spec->capabilities, (1ULL << 10) | (1ULL << 40));
  EXPECT_EQ(spec->no_new_privs, 1);
  EXPECT_EQ(spec->change_user, 0);
}

TEST(LaunchSpec, TakesTheProfilesFlags) {
  policy::seccomp::Profile profile = only_exit();
  profile.flags = {"SECCOMP_FILTER_FLAG_LOG"};
  const auto spec = launch_spec(profile, process_target(), {});
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->filter_flags, 2U);
}

TEST(LaunchUser, IsReadByNameAndNumber) {
  LaunchSpec spec;
  ASSERT_TRUE(set_user(spec, "root"));
  EXPECT_EQ(spec.change_user, 1);
  EXPECT_EQ(spec.uid, 0U);
  ASSERT_TRUE(set_user(spec, "4242:17"));
  EXPECT_EQ(spec.uid, 4242U);
  EXPECT_EQ(spec.gid, 17U);
  EXPECT_EQ(spec.group_count, 1U);
  EXPECT_FALSE(set_user(spec, "nobody-of-that-name"));
  EXPECT_FALSE(set_user(spec, "root:no-such-group"));
}

TEST(LaunchUser, IsNotTheNumberThatLeavesTheUserAsItIs) {
  LaunchSpec spec;
  for (const char* word :
       {"4294967295", "4294967295:0", "4242:4294967295", "root:4294967295"}) {
    const auto set = set_user(spec, word);
    ASSERT_FALSE(set) << word;
    EXPECT_EQ(set.error().code(), ErrorCode::InvalidInput);
  }
  EXPECT_TRUE(set_user(spec, "4294967294"));
}

TEST(FindProgram, SearchesThePathAsAShellDoes) {
  EXPECT_EQ(find_program("sh", "/nonexistent:/bin").value_or(""), "/bin/sh");
  EXPECT_EQ(find_program("/bin/sh", "").value_or(""), "/bin/sh");
}

TEST(FindProgram, SaysWhyThereIsNone) {
  EXPECT_EQ(find_program("no-such-program", "/bin").error().code(),
            ErrorCode::NotFound);
  EXPECT_EQ(find_program("", "/bin").error().code(), ErrorCode::NotFound);
  EXPECT_THAT(find_program("/etc/passwd", "").error().message(),
              HasSubstr("not executable"));
  EXPECT_THAT(find_program("/etc", "").error().message(),
              HasSubstr("not a program"));
}

}  // namespace
}  // namespace vambrace::enforcer
