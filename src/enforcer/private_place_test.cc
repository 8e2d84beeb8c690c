#include "enforcer/private_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "enforcer/launcher/launcher_image.h"

namespace vambrace::enforcer {
namespace {

using testing::ElementsAre;

TEST(Report, CountsStartsAndTellsFailures) {
  const Report report = parse_report(
      "confined 12 /usr/sbin/nginx\nconfined 13 /usr/sbin/nginx\n"
      "failed 1 load the seccomp filter\n"
      "failed 0 a capability of the policy is not held here\nhalf a li");
  EXPECT_EQ(report.started, 2U);
  EXPECT_THAT(report.failures,
              ElementsAre("load the seccomp filter: EPERM",
                          "a capability of the policy is not held here"));
}

TEST(PrivatePlace, IsGoneAfterwards) {
  std::string path;
  {
    auto place = PrivatePlace::create();
    ASSERT_TRUE(place);
    path = place->path();
    ASSERT_TRUE(place->put("deep/file", "x", true));
    struct stat info{};
    ASSERT_EQ(::stat(place->file("deep/file").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0755U);
    const auto open = place->put_open("report");
    ASSERT_TRUE(open);
    ASSERT_EQ(::stat(open->c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0666U);
  }
  struct stat info{};
  EXPECT_NE(::stat(path.c_str(), &info), 0);
}

TEST(LauncherImage, CarriesItsOrdersAtTheEnd) {
  LaunchSpec spec;
  spec.capabilities = 0x1234;
  const std::string file = launcher_with(spec);
  EXPECT_TRUE(
      file.starts_with("\x7f"
                       "ELF"));
  ASSERT_EQ(file.size(), launcher_image().size() + sizeof(LaunchSpec) +
                             sizeof(LaunchFooter));
  LaunchSpec back;
  std::copy_n(file.data() + launcher_image().size(), sizeof back,
              reinterpret_cast<char*>(&back));
  EXPECT_EQ(back.capabilities, 0x1234U);
}

}  // namespace
}  // namespace vambrace::enforcer
