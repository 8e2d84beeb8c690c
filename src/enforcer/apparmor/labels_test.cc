#include "enforcer/apparmor/labels.h"

#include <gmock/gmock.h>

namespace vambrace::enforcer::apparmor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Profiles, HaveANameAndAMode) {
  const auto profiles = parse_profiles(
      "web-1a2b (enforce)\n"
      "/usr/bin/man//filter (complain)\n");
  ASSERT_TRUE(profiles.has_value());
  EXPECT_THAT(*profiles,
              ElementsAre(Profile{"/usr/bin/man//filter", "complain"},
                          Profile{"web-1a2b", "enforce"}));
}

TEST(Profiles, MayBeNone) {
  const auto profiles = parse_profiles("");
  ASSERT_TRUE(profiles.has_value());
  EXPECT_THAT(*profiles, IsEmpty());
}

TEST(Profiles, NamesMayHoldWhatModesLookLike) {
  const auto profiles =
      parse_profiles("a (enforce) b (kill)\n\xff (\x01 (x)\n");
  ASSERT_TRUE(profiles.has_value());
  EXPECT_THAT(*profiles, ElementsAre(Profile{"a (enforce) b", "kill"},
                                     Profile{"\xff (\x01", "x"}));
}

TEST(Profiles, NamesMayHoldLineEnds) {
  const auto profiles = parse_profiles("a\nb (1)\n (enforce)\nc (kill)\n");
  ASSERT_TRUE(profiles.has_value());
  EXPECT_THAT(*profiles, ElementsAre(Profile{"a\nb (1)\n", "enforce"},
                                     Profile{"c", "kill"}));
}

TEST(Profiles, WithoutAModeAreRefused) {
  const auto profiles = parse_profiles("a (enforce)\nb\n");
  ASSERT_FALSE(profiles.has_value());
  EXPECT_EQ(profiles.error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(profiles.error().message(),
            "profiles: byte 12: a profile without its mode");
}

TEST(Current, MayBeUnconfined) {
  EXPECT_EQ(parse_current("unconfined\n").value(), Confinement{});
}

TEST(Current, IsAProfileWithItsMode) {
  EXPECT_EQ(parse_current("my web (complain)\n").value(),
            (Confinement{{"my web"}, "complain"}));
}

TEST(Current, MayBeAStack) {
  EXPECT_EQ(parse_current("a//&:ns://b//c (mixed)").value(),
            (Confinement{{"a", ":ns://b//c"}, "mixed"}));
}

TEST(Current, OfAnotherSecurityModuleIsRefused) {
  EXPECT_FALSE(parse_current("system_u:system_r:init_t:s0\n").has_value());
  EXPECT_FALSE(parse_current("").has_value());
}

}  // namespace
}  // namespace vambrace::enforcer::apparmor
