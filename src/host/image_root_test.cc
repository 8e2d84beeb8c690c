#include "host/image_root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/programs.h"

namespace vambrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ImageSettings, AreReadFromWhatDockerPrints) {
  const auto settings = parse_image_settings(
      R"([{"Id": "sha256:1", "Config": {"Entrypoint": ["/e.sh"],
          "Cmd": ["redis-server", "-x"], "Env": ["PATH=/bin"],
          "WorkingDir": "/data"}}])");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->id, "sha256:1");
  EXPECT_THAT(settings->entrypoint, ElementsAre("/e.sh"));
  EXPECT_THAT(settings->command, ElementsAre("redis-server", "-x"));
  EXPECT_THAT(settings->environment, ElementsAre("PATH=/bin"));
  EXPECT_EQ(settings->folder, "/data");
}

TEST(ImageSettings, MayHaveNothingInThem) {
  const auto settings = parse_image_settings(
      R"([{"Config": {"Entrypoint": null, "WorkingDir": ""}}])");
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->entrypoint, IsEmpty());
  EXPECT_EQ(settings->folder, "/");
}

TEST(ImageSettings, AreOfOneImage) {
  EXPECT_FALSE(parse_image_settings("[]"));
  EXPECT_FALSE(parse_image_settings("{}"));
  EXPECT_FALSE(parse_image_settings(R"([{"Config": []}])"));
  EXPECT_FALSE(parse_image_settings("Error"));
}

TEST(Programs, TellWhatTheySaidAndHowTheyEnded) {
  const auto ended =
      run_program({"sh", "-c", "echo out; echo err >&2; exit 3"});
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 3);
  EXPECT_EQ(ended->out, "out\n");
  EXPECT_EQ(ended->err, "err\n");
  EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"})->code, 137);
  EXPECT_THAT(run_program({"no-such-program"}).error().message(),
              HasSubstr("not installed"));
}

TEST(Programs, TellWhichOfTwoFailed) {
  EXPECT_EQ(run_piped({"echo", "a"}, {"cat"})->out, "a\n");
  const auto first = run_piped({"sh", "-c", "echo no >&2; exit 4"}, {"cat"});
  EXPECT_EQ(first->code, 4);
  EXPECT_EQ(first->err, "no\n");
  EXPECT_EQ(run_piped({"yes"}, {"sh", "-c", "exit 5"})->code, 5);
  EXPECT_FALSE(run_piped({"yes"}, {"no-such-program"}));
}

}  // namespace
}  // namespace vambrace
