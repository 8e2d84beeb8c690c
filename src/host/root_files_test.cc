#include "host/root_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace vambrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A folder with a root in it, and a secret beside that.
class RootFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "/root_files.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directories(folder_ / "root/usr/lib");
    std::ofstream(folder_ / "secret") << "secret";
    std::ofstream(folder_ / "root/usr/lib/liba.so.1.2") << "a";
    link("usr/lib", "lib");
    link("liba.so.1.2", "usr/lib/liba.so.1");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void link(const std::string& target, const std::string& name) {
    std::filesystem::create_symlink(target, folder_ / "root" / name);
  }
  RootFiles root() {
    auto opened = RootFiles::open((folder_ / "root").string());
    EXPECT_TRUE(opened) << opened.error().message();
    return *std::move(opened);
  }

  std::filesystem::path folder_;
};

TEST_F(RootFilesTest, TellsWhereLinksInsideTheRootLead) {
  const auto file = root().read("/lib/liba.so.1");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->path, "/usr/lib/liba.so.1.2");
  EXPECT_EQ(file->bytes.text(), "a");
  EXPECT_EQ(root().resolve("lib"), "/usr/lib");
  EXPECT_EQ(root().resolve("/"), "/");
  EXPECT_TRUE(root().is_file("/lib/liba.so.1"));
  EXPECT_FALSE(root().is_file("/lib"));
}

TEST_F(RootFilesTest, NoLinkLeavesTheRoot) {
  link("../../../../../../../../secret", "up");
  link((folder_ / "secret").string(), "absolute");
  link("/", "top");
  EXPECT_FALSE(root().read("/up"));
  EXPECT_FALSE(root().read("/absolute"));
  EXPECT_FALSE(root().read("/../secret"));
  EXPECT_EQ(root().resolve("/up"), std::nullopt);
  EXPECT_EQ(root().resolve("/top/../.."), "/");
  EXPECT_THAT(*root().list("/top"),
              ElementsAre("absolute", "lib", "top", "up", "usr"));
}

TEST_F(RootFilesTest, WaitsForNoPipeAndOpensNoFolder) {
  ASSERT_EQ(::mkfifo((folder_ / "root/pipe").c_str(), 0600), 0);
  const auto pipe = root().read("/pipe");
  ASSERT_FALSE(pipe);
  EXPECT_EQ(pipe.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(pipe.error().message(), HasSubstr("not a regular file"));
  EXPECT_EQ(root().read("/usr").error().code(), ErrorCode::InvalidInput);
}

TEST_F(RootFilesTest, RefusesWhatIsTooLargeOrAbsent) {
  EXPECT_EQ(root().read("/lib/liba.so.1", 0).error().code(),
            ErrorCode::InvalidInput);
  EXPECT_EQ(root().read("/none").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(root().list("/none").error().code(), ErrorCode::NotFound);
  EXPECT_FALSE(root().list(std::string("/usr\0x", 6)));
  EXPECT_EQ(RootFiles::open((folder_ / "none").string()).error().code(),
            ErrorCode::NotFound);
}

TEST_F(RootFilesTest, DigestsAreOfWhatWouldBeRead) {
  // More than one part, and not a whole number of them.
  std::ofstream(folder_ / "root/large") << std::string(200'001, 'x') << "end";
  const RootFiles files = root();
  for (const std::string path :
       {"/large", "/lib/liba.so.1", "/none", "/lib", "/up"}) {
    for (const std::uint64_t limit : {elf::kMaxRootFile, std::uint64_t{0}}) {
      const auto digest = files.digest(path, limit);
      const auto expected = files.Root::digest(path, limit);
      ASSERT_EQ(digest.has_value(), expected.has_value()) << path;
      if (digest) {
        EXPECT_EQ(digest->path, expected->path);
        EXPECT_EQ(digest->content, expected->content) << path;
      } else {
        EXPECT_EQ(digest.error().code(), expected.error().code());
        EXPECT_EQ(digest.error().message(), expected.error().message());
      }
    }
  }
}

TEST_F(RootFilesTest, KeepsTheBytesThatWereReadWhenTheFileShrinks) {
  const auto file = root().read("/lib/liba.so.1");
  std::filesystem::resize_file(folder_ / "root/usr/lib/liba.so.1.2", 0);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->bytes.text(), "a");
  EXPECT_TRUE(root().read("/lib/liba.so.1")->bytes.empty());
}

TEST(RootFiles, TakesTheRootOfThisMachine) {
  const auto root = RootFiles::open("/");
  ASSERT_TRUE(root) << root.error().message();
  EXPECT_EQ(root->resolve("/usr/../usr"), "/usr");
  EXPECT_FALSE(root->read("/dev/null"));
  EXPECT_FALSE(root->read("/proc/self/exe"));
}

}  // namespace
}  // namespace vambrace
