#include "enforcer/runc_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace vambrace::enforcer {
namespace {

using testing::ElementsAre;
using Words = std::vector<std::string>;

const Armour kRuncArmour{
    .seccomp_path = "/b/seccomp.json",
    .seccomp_json = R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[]})",
    .capabilities = {10},
    .no_new_privs = true};

constexpr std::string_view kConfig = R"({
  "ociVersion": "1.0.2",
  "process": {"args": ["nginx"], "user": {"uid": 0},
              "capabilities": {"bounding": ["CAP_SYS_ADMIN"]}},
  "root": {"path": "rootfs"},
  "mounts": [{"destination": "/x", "source": "data", "options": ["rbind"]},
             {"destination": "/proc", "source": "proc", "type": "proc"}],
  "linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"},
            "namespaces": []}})";

json::Value armoured(std::string_view config) {
  const Result<std::string> text =
      armoured_config(config, "/bundles/web", kRuncArmour);
  CHECK(text.has_value());
  return *json::parse(*text);
}

TEST(RuncConfig, PutsThreeFieldsInAndKeepsTheRest) {
  const json::Value config = armoured(kConfig);
  const json::Value names = {"CAP_NET_BIND_SERVICE"};
  EXPECT_EQ(config["process"]["capabilities"]["bounding"], names);
  EXPECT_EQ(config["process"]["capabilities"]["effective"], names);
  EXPECT_EQ(config["process"]["capabilities"]["permitted"], names);
  EXPECT_TRUE(config["process"]["capabilities"]["ambient"].empty());
  EXPECT_EQ(config["process"]["noNewPrivileges"], true);
  EXPECT_EQ(config["linux"]["seccomp"]["defaultAction"], "SCMP_ACT_ERRNO");
  EXPECT_EQ(config["process"]["args"], json::Value({"nginx"}));
  EXPECT_EQ(config["ociVersion"], "1.0.2");
}

TEST(RuncConfig, NamesTheAppArmorProfileIfThereIsOne) {
  EXPECT_FALSE(armoured(kConfig)["process"].contains("apparmorProfile"));
  Armour armour = kRuncArmour;
  armour.apparmor = "web-1a2b";
  const auto text = armoured_config(kConfig, "/bundles/web", armour);
  ASSERT_TRUE(text);
  EXPECT_EQ((*json::parse(*text))["process"]["apparmorProfile"], "web-1a2b");
}

TEST(RuncConfig, GivesAnotherUserAmbientCapabilities) {
  std::string config(kConfig);
  config.replace(config.find("\"uid\": 0"), 8, "\"uid\": 7");
  EXPECT_EQ(armoured(config)["process"]["capabilities"]["ambient"],
            json::Value({"CAP_NET_BIND_SERVICE"}));
}

TEST(RuncConfig, TakesAUserThatIsNoNumberForNoRoot) {
  std::string config(kConfig);
  config.replace(config.find("\"uid\": 0"), 8, "\"uid\": []");
  EXPECT_EQ(armoured(config)["process"]["capabilities"]["ambient"],
            json::Value({"CAP_NET_BIND_SERVICE"}));
}

TEST(RuncConfig, PointsToTheOriginalFolder) {
  const json::Value config = armoured(kConfig);
  EXPECT_EQ(config["root"]["path"], "/bundles/web/rootfs");
  EXPECT_EQ(config["mounts"][0]["source"], "/bundles/web/data");
  EXPECT_EQ(config["mounts"][1]["source"], "proc");
}

TEST(RuncConfig, RefusesWhatIsNotAContainersConfiguration) {
  for (const char* text : {"[]", "{}", "{\"process\":{},\"root\":{}}", "{"}) {
    const auto result = armoured_config(text, "/b", kRuncArmour);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code(), ErrorCode::InvalidInput);
  }
}

TEST(RuncArguments, FindBundleAndContainer) {
  const auto start = parse_runc(Words{"--root", "/r", "run", "-b", "/bundles/w",
                                      "--pid-file", "x", "web"});
  ASSERT_TRUE(start && *start);
  EXPECT_EQ((*start)->bundle, "/bundles/w");
  EXPECT_EQ((*start)->container, "web");
  EXPECT_THAT(with_bundle(**start, "/copy"),
              ElementsAre("--root", "/r", "run", "--bundle", "/copy",
                          "--pid-file", "x", "web"));
}

TEST(RuncArguments, LeaveValuesThatLookLikeTheContainerOrTheBundleAlone) {
  const auto start =
      parse_runc(Words{"--root", "-b", "run", "web", "--pid-file", "web"});
  ASSERT_TRUE(start && *start);
  EXPECT_THAT(with_bundle(**start, "/copy"),
              ElementsAre("--root", "-b", "run", "--bundle", "/copy", "web",
                          "--pid-file", "web"));
}

TEST(RuncArguments, PassOtherSubcommandsBy) {
  const auto start = parse_runc(Words{"kill", "web", "TERM"});
  ASSERT_TRUE(start);
  EXPECT_FALSE(start->has_value());
}

}  // namespace
}  // namespace vambrace::enforcer
