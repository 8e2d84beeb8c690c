#include "enforcer/private_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "enforcer/launcher/launcher_image.h"

namespace vambrace::enforcer {
namespace {

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
