#include "base/memory_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace {
namespace {

TEST(MemoryFiles, ListsTheNamesOfOneLevel) {
  MemoryFiles files;
  ASSERT_TRUE(files.write("bundle/a.json", "1"));
  ASSERT_TRUE(files.write("bundle/evidence/b.json", "2"));
  EXPECT_THAT(files.list("bundle").value(),
              testing::ElementsAre("a.json", "evidence"));
}

TEST(MemoryFiles, FailsLikeAFullDisk) {
  MemoryFiles files;
  files.writes_until_full = 1;
  ASSERT_TRUE(files.write("a", "1"));
  auto second = files.write("b", "2");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::Unavailable);
  EXPECT_FALSE(files.exists("b"));
}

TEST(MemoryFiles, WritesAllOrNone) {
  MemoryFiles files;
  files.writes_until_full = 1;
  ASSERT_FALSE(files.write_all({{"a", "1"}, {"b", "2"}}));
  EXPECT_TRUE(files.files.empty());
  files.writes_until_full = 2;
  ASSERT_TRUE(files.write_all({{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(files.files.size(), 2U);
}

TEST(StagedName, IsOfFilesThatWerePutInPlaceTogether) {
  EXPECT_EQ(staged_name(".policy.json.vambrace-Ab12Cd"), "policy.json");
  EXPECT_EQ(staged_name("..x.vambrace-Ab12Cd"), ".x");
  for (const char* other :
       {".policy.json.Ab12Cd", "policy.json.vambrace-Ab12Cd",
        ".bundle.yaml.swp", ".policy.json.vambrace-Ab12C", ".vambrace-Ab12Cd",
        "", "."}) {
    EXPECT_EQ(staged_name(other), std::nullopt) << other;
  }
}

TEST(MemoryFiles, RemoveWhatWasStagedInOneFolder) {
  MemoryFiles files;
  files.files = {{"b/.x.vambrace-Ab12Cd", "1"},
                 {"b/x", "2"},
                 {"b/c/.x.vambrace-Ab12Cd", "3"}};
  files.remove_staged("b");
  EXPECT_EQ(files.files.size(), 2U);
  EXPECT_FALSE(files.exists("b/.x.vambrace-Ab12Cd"));
}

}  // namespace
}  // namespace vambrace
