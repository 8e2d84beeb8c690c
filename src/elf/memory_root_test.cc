#include "elf/memory_root.h"

#include <gtest/gtest.h>

namespace vambrace::elf {
namespace {

MemoryRoot sample() {
  MemoryRoot root;
  root.files = {{"/usr/lib/libz.so.1.3", "z"}, {"/etc/passwd", "root"}};
  root.links = {{"/lib", "usr/lib"},
                {"/usr/lib/libz.so.1", "libz.so.1.3"},
                {"/usr/lib/up", "../../../../../etc/passwd"},
                {"/usr/lib/abs", "/etc/passwd"},
                {"/usr/lib/none", "nowhere"},
                {"/usr/lib/loop", "loop"}};
  return root;
}

TEST(MemoryRoot, FollowsLinksInsideTheRoot) {
  const MemoryRoot root = sample();
  EXPECT_EQ(root.resolve("/lib/libz.so.1"), "/usr/lib/libz.so.1.3");
  EXPECT_EQ(root.resolve("lib/./../lib//libz.so.1"), "/usr/lib/libz.so.1.3");
  EXPECT_EQ(root.resolve("/lib/up"), "/etc/passwd");
  EXPECT_EQ(root.resolve("/lib/abs"), "/etc/passwd");
  EXPECT_EQ(root.resolve("/lib"), "/usr/lib");
  EXPECT_EQ(root.resolve("/../.."), "/");
  EXPECT_EQ(root.resolve("/lib/none"), std::nullopt);
  EXPECT_EQ(root.resolve("/lib/loop"), std::nullopt);
  EXPECT_EQ(root.resolve("/etc/passwd/x"), std::nullopt);
}

TEST(MemoryRoot, ReadsRegularFilesUpToALimit) {
  const MemoryRoot root = sample();
  const auto file = root.read("/lib/libz.so.1");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->path, "/usr/lib/libz.so.1.3");
  EXPECT_EQ(file->bytes.text(), "z");
  EXPECT_EQ(root.read("/etc").error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(root.read("/none").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(root.read("/etc/passwd", 3).error().code(),
            ErrorCode::InvalidInput);
}

TEST(MemoryRoot, ListsLinksAndFoldersToo) {
  const MemoryRoot root = sample();
  EXPECT_EQ(*root.list("/"), (std::vector<std::string>{"etc", "lib", "usr"}));
  EXPECT_EQ(root.list("/lib")->size(), 6);
  EXPECT_FALSE(root.list("/etc/passwd"));
}

TEST(Bytes, OutliveTheirRootAndTheirFirstHandle) {
  Bytes kept;
  {
    const MemoryRoot root = sample();
    kept = root.read("/etc/passwd")->bytes;
  }
  EXPECT_EQ(kept.text(), "root");
  EXPECT_EQ(kept.view().size(), 4);
  EXPECT_TRUE(Bytes().text().empty());
}

}  // namespace
}  // namespace vambrace::elf
