#include "host/folder_lock.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

namespace vambrace {
namespace {

using std::chrono::milliseconds;

TEST(FolderLock, IsHeldByOneUntilItIsLetGo) {
  std::string folder = testing::TempDir() + "vambrace-lock-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  auto first = lock_folder(folder, milliseconds(0));
  ASSERT_TRUE(first);
  const auto second = lock_folder(folder, milliseconds(20));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::Unavailable);
  EXPECT_TRUE(first->alone);
  first->fd.reset();
  EXPECT_TRUE(lock_folder(folder, milliseconds(0)));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
  EXPECT_EQ(lock_folder(folder, milliseconds(0)).error().code(),
            ErrorCode::NotFound);
  EXPECT_TRUE(make_and_lock_folder(folder + "/b", milliseconds(0)));
  EXPECT_TRUE(std::filesystem::is_directory(folder + "/b"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace vambrace
