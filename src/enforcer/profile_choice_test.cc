#include "enforcer/profile_choice.h"

#include <gmock/gmock.h>

#include "base/memory_files.h"

namespace vambrace::enforcer {
namespace {

using testing::HasSubstr;

MemoryFiles host(bool apparmor) {
  MemoryFiles files;
  files.files["/sys/module/apparmor/parameters/enabled"] =
      apparmor ? "Y\n" : "N\n";
  return files;
}

Dress dressed(std::optional<bool> hosts_have_it) {
  Dress dress;
  dress.target = *runtime::target_named("process");
  dress.target.apparmor = hosts_have_it;
  dress.apparmor.profile = {.name = "web-1"};
  return dress;
}

TEST(ProfileChoice, IsTheKernelsWhereNobodySaysOtherwise) {
  EXPECT_TRUE(choose_profile(host(true), dressed(std::nullopt))->on);
  const auto without = choose_profile(host(false), dressed(std::nullopt));
  EXPECT_FALSE(without->on);
  EXPECT_THAT(without->why_not, HasSubstr("kernel runs without AppArmor"));
  EXPECT_FALSE(choose_profile(MemoryFiles(), dressed(std::nullopt))->on);
}

TEST(ProfileChoice, IsBundleYamlsWhereItSaysSo) {
  const auto unwanted = choose_profile(host(true), dressed(false));
  EXPECT_FALSE(unwanted->on);
  EXPECT_THAT(unwanted->why_not, HasSubstr("apparmor: false"));
  EXPECT_TRUE(choose_profile(host(true), dressed(true))->on);
  const auto missing = choose_profile(host(false), dressed(true));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::Unsupported);
}

TEST(ProfileChoice, LeavesContainersToTheirEngineUntilToldOtherwise) {
  Dress dress = dressed(std::nullopt);
  dress.target = *runtime::target_named("docker");
  EXPECT_THAT(choose_profile(host(true), dress)->why_not,
              HasSubstr("apparmor: true"));
  dress.target.apparmor = true;
  EXPECT_TRUE(choose_profile(host(true), dress)->on);
}

TEST(ProfileChoice, NeedsAProfile) {
  Dress dress = dressed(std::nullopt);
  dress.apparmor.profile.reset();
  EXPECT_THAT(choose_profile(host(true), dress)->why_not,
              HasSubstr("evidence tells no file"));
}

}  // namespace
}  // namespace vambrace::enforcer
