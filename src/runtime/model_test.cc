#include "runtime/model.h"

#include <gtest/gtest.h>

namespace vambrace::runtime {
namespace {

TEST(Target, HasEveryNamedOne) {
  for (const std::string& name : target_names()) {
    const std::optional<Target> target = target_named(name);
    ASSERT_TRUE(target) << name;
    EXPECT_EQ(target->name, name);
  }
  EXPECT_FALSE(target_named("lxc"));
}

TEST(Target, ReadsVersionsWithWhateverDistributionsAppend) {
  EXPECT_EQ(parse_version("1.1.5+ds1"), (Version{1, 1, 5}));
  EXPECT_EQ(parse_version("20.10.24+dfsg1"), (Version{20, 10, 24}));
  EXPECT_EQ(parse_version("6.18"), (Version{6, 18, 0}));
  EXPECT_EQ(parse_version("6.1.0-25-amd64"), (Version{6, 1, 0}));
  EXPECT_EQ(parse_version("").error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(parse_version("v1").error().code(), ErrorCode::InvalidInput);
  EXPECT_FALSE(parse_version("99999999999.1"));
}

TEST(SeccompModel, KnowsWhatDocker2010Drops) {
  Target docker = *target_named("docker");
  EXPECT_FALSE(seccomp_model(docker).keeps_default_errno);
  EXPECT_FALSE(seccomp_model(docker).keeps_flags);
  docker.engine_version = {23, 0, 0};
  EXPECT_TRUE(seccomp_model(docker).keeps_default_errno);
}

TEST(SeccompModel, GivesTheStubToRuncAlone) {
  EXPECT_TRUE(seccomp_model(*target_named("runc")).enosys_stub);
  EXPECT_TRUE(seccomp_model(*target_named("kubernetes")).enosys_stub);
  EXPECT_FALSE(seccomp_model(*target_named("crun")).enosys_stub);
  EXPECT_FALSE(seccomp_model(*target_named("process")).enosys_stub);
}

TEST(SeccompModel, AsksRuncForATreeOnlySinceItUsesOne) {
  Target runc = *target_named("runc");
  EXPECT_EQ(seccomp_model(runc).tree_above, 0U);
  runc.runtime_version = {1, 2, 0};
  EXPECT_EQ(seccomp_model(runc).tree_above, 32U);
}

}  // namespace
}  // namespace vambrace::runtime
