#include "elf/kept_root.h"

#include <gtest/gtest.h>

#include "elf/memory_root.h"

namespace vambrace::elf {
namespace {

class KeptRootTest : public testing::Test {
 protected:
  KeptRootTest() { root.files = {{"/lib/a", "aaaa"}, {"/lib/b", "bbbb"}}; }
  std::string text(const Root& from, const std::string& path) {
    const auto file = from.read(path);
    return file ? std::string(file->bytes.text()) : "none";
  }
  MemoryRoot root;
};

TEST_F(KeptRootTest, TellsTheSameWhateverHappensToTheFiles) {
  const KeptRoot kept(root);
  const auto before = kept.digest("/lib/a");
  ASSERT_TRUE(before);
  EXPECT_EQ(text(kept, "/lib/a"), "aaaa");
  EXPECT_EQ(text(kept, "/lib/c"), "none");
  EXPECT_FALSE(kept.is_file("/lib/d"));
  EXPECT_FALSE(kept.resolve("/lib/d"));
  EXPECT_EQ(kept.list("/lib")->size(), 2U);
  root.files = {{"/lib/a", "other"}, {"/lib/c", "c"}, {"/lib/d", "d"}};
  EXPECT_EQ(text(kept, "/lib/a"), "aaaa");
  EXPECT_EQ(kept.digest("/lib/a")->content, before->content);
  EXPECT_EQ(text(kept, "/lib/c"), "none");
  EXPECT_FALSE(kept.is_file("/lib/d"));
  EXPECT_FALSE(kept.resolve("/lib/d"));
  EXPECT_EQ(kept.list("/lib")->size(), 2U);
}

TEST_F(KeptRootTest, GivesTheVeryBytesAgain) {
  const KeptRoot kept(root);
  EXPECT_EQ(kept.read("/lib/a")->bytes.text().data(),
            kept.read("/lib/a")->bytes.text().data());
}

TEST_F(KeptRootTest, ReadsAgainWhatThereWasNoRoomFor) {
  const KeptRoot kept(root, 5);
  EXPECT_EQ(text(kept, "/lib/a"), "aaaa");
  EXPECT_EQ(text(kept, "/lib/b"), "bbbb");
  root.files = {{"/lib/a", "large file"}, {"/lib/b", "x"}};
  EXPECT_EQ(text(kept, "/lib/b"), "bbbb");
  EXPECT_EQ(text(kept, "/lib/a"), "large file");
  root.files["/lib/a"] = "larger file";
  EXPECT_EQ(text(kept, "/lib/a"), "larger file");
}

TEST_F(KeptRootTest, HasALimitWithEachQuestion) {
  const KeptRoot kept(root);
  EXPECT_FALSE(kept.read("/lib/a", 3));
  EXPECT_FALSE(kept.digest("/lib/a", 3));
  EXPECT_TRUE(kept.read("/lib/a", 4));
  EXPECT_TRUE(kept.digest("/lib/a", 4));
}

}  // namespace
}  // namespace vambrace::elf
