#include "enforcer/private_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0711U) << "nobody else can list it";
    EXPECT_EQ(open->size(), place->file("report-").size() + 32);
    EXPECT_NE(*place->put_open("report"), *open);
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

TEST(LauncherMark, StandsInFrontOfTheFilter) {
  LaunchSpec spec;
  spec.filter_length = 2;
  spec.filter[0] = {6, 0, 0, 1};
  spec.filter[1] = {6, 0, 0, 2};
  ASSERT_TRUE(add_mark(spec));
  ASSERT_GT(spec.filter_length, 2U);
  EXPECT_EQ(spec.filter[spec.filter_length - 2].k, 1U);
  EXPECT_EQ(spec.filter[spec.filter_length - 1].k, 2U);
  EXPECT_EQ(spec.filter[1].jf, spec.filter_length - 2 - 2)
      << "other calls go on at the filter itself";
}

TEST(LauncherMark, NeedsRoom) {
  LaunchSpec spec;
  spec.filter_length = kMaxInstructions;
  EXPECT_FALSE(add_mark(spec));
  EXPECT_EQ(spec.filter_length, kMaxInstructions);
}

TEST(LauncherMark, IsNotAnyFilter) {
  EXPECT_FALSE(marked());
  const pid_t child = ::fork();
  if (child == 0) {
    LaunchSpec spec;
    spec.filter_length = 1;
    spec.filter[0] = {6, 0, 0, 0x7fff0000};
    spec.capabilities = ~0ULL;
    spec.lenient = 1;
    if (confine(spec).step != nullptr || marked()) {
      ::_exit(1);
    }
    const bool room = add_mark(spec);
    ::_exit(room && confine(spec).step == nullptr && marked() ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace vambrace::enforcer
