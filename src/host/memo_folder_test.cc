#include "host/memo_folder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "host/disk_files.h"

namespace vambrace {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class MemoFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "vambrace-memos-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
    folder_ = base_ + "/above/memos";
  }
  void TearDown() override { std::filesystem::remove_all(base_); }

  MemoFolder open(std::uint64_t limit = kMemoFolderBytes) {
    return MemoFolder(
        folder_,
        [this](const Error& error) { told_.push_back(error.message()); },
        limit);
  }
  static std::string name(char digit) { return std::string(64, digit); }
  std::string path(char digit) const {
    return folder_ + "/" + name(digit) + ".memo";
  }
  std::vector<std::string> names() const {
    return DiskFiles().list(folder_).value_or(std::vector<std::string>());
  }
  // As if last used so many seconds after the epoch.
  void set_used(const std::string& file, time_t seconds) const {
    const timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  }

  std::string base_;
  std::string folder_;
  std::vector<std::string> told_;
};

TEST_F(MemoFolderTest, KeepsAndFinds) {
  MemoFolder memos = open();
  EXPECT_EQ(memos.find(name('a')), std::nullopt);
  memos.keep(name('a'), "one");
  memos.keep(name('b'), "two");
  memos.keep(name('a'), "three");
  EXPECT_EQ(memos.find(name('a')), "three");
  EXPECT_EQ(open().find(name('b')), "two");
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_THAT(names(), SizeIs(2));
}

TEST_F(MemoFolderTest, MakesFoldersForTheirOwnerAlone) {
  open().keep(name('a'), "one");
  for (const std::string& folder : {base_ + "/above", folder_}) {
    struct stat status = {};
    ASSERT_EQ(::stat(folder.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700U) << folder;
  }
}

TEST_F(MemoFolderTest, BelievesNoFolderThatOthersMayWrite) {
  open().keep(name('a'), "one");
  for (const unsigned mode : {0777U, 0770U, 0702U}) {
    told_.clear();
    ASSERT_EQ(::chmod(folder_.c_str(), mode), 0);
    MemoFolder memos = open();
    EXPECT_EQ(memos.find(name('a')), std::nullopt);
    memos.keep(name('b'), "two");
    EXPECT_THAT(told_, SizeIs(1));
    EXPECT_THAT(told_[0], HasSubstr(folder_ + ": others may write it"));
  }
  EXPECT_THAT(names(), SizeIs(1));
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  EXPECT_EQ(open().find(name('a')), "one");
}

TEST_F(MemoFolderTest, BelievesNoFileThatOthersMayWriteAndFollowsNoLink) {
  open().keep(name('a'), "one");
  ASSERT_EQ(::chmod(path('a').c_str(), 0666), 0);
  EXPECT_EQ(open().find(name('a')), std::nullopt);
  std::filesystem::create_symlink(base_ + "/x", path('b'));
  std::ofstream(base_ + "/x") << "two";
  EXPECT_EQ(open().find(name('b')), std::nullopt);
  ASSERT_EQ(::mkfifo(path('c').c_str(), 0600), 0);
  EXPECT_EQ(open().find(name('c')), std::nullopt);
  EXPECT_THAT(told_, SizeIs(3));
  // Writing replaces the names, and goes through no link.
  open().keep(name('b'), "three");
  EXPECT_EQ(open().find(name('b')), "three");
  EXPECT_EQ(DiskFiles().read(base_ + "/x").value(), "two");
}

TEST_F(MemoFolderTest, TellsTheFirstTroubleAlone) {
  std::ofstream(base_ + "/above") << "a file";
  MemoFolder memos = open();
  memos.keep(name('a'), "one");
  EXPECT_EQ(memos.find(name('a')), std::nullopt);
  memos.keep(name('b'), "two");
  EXPECT_THAT(told_, SizeIs(1));
}

TEST_F(MemoFolderTest, AFullDiskLeavesNothingBehind) {
  open().keep(name('a'), "one");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit tiny{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tiny), 0);
  open().keep(name('b'), std::string(5000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_THAT(told_, SizeIs(1));
  EXPECT_THAT(names(), SizeIs(1));
}

TEST_F(MemoFolderTest, RemovesWhatWasNotUsedForTheLongestTime) {
  MemoFolder memos = open(300);
  for (const char digit : {'a', 'b', 'c'}) {
    memos.keep(name(digit), std::string(100, digit));
  }
  set_used(path('a'), 10);
  set_used(path('b'), 20);
  set_used(path('c'), 30);
  EXPECT_NE(memos.find(name('a')), std::nullopt);
  memos.keep(name('d'), std::string(150, 'd'));
  EXPECT_EQ(memos.find(name('b')), std::nullopt);
  EXPECT_EQ(memos.find(name('c')), std::nullopt);
  EXPECT_NE(memos.find(name('a')), std::nullopt);
  EXPECT_NE(memos.find(name('d')), std::nullopt);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(MemoFolderTest, RemovesWhatAKilledWriterLeftAndNoFileOfOthers) {
  MemoFolder memos = open(100);
  memos.keep(name('a'), "one");
  const std::string left = folder_ + "/." + name('b') + ".memo.q1W2e3";
  const std::vector<std::string> others = {
      folder_ + "/notes.memo", folder_ + "/" + name('b'),
      folder_ + "/" + name('B') + ".memo",
      folder_ + "/" + name('b') + ".memo~"};
  for (const std::string& file : others) {
    std::ofstream(file) << std::string(1000, 'x');
    set_used(file, 1);
  }
  std::ofstream(left) << std::string(1000, 'x');
  set_used(left, 2);
  memos.keep(name('c'), "three");
  EXPECT_FALSE(std::filesystem::exists(left));
  for (const std::string& file : others) {
    EXPECT_TRUE(std::filesystem::exists(file)) << file;
  }
  EXPECT_EQ(memos.find(name('a')), "one");
}

TEST(LoadedBuilds, TellsTheProgramAndItsLibraries) {
  const std::string builds = loaded_builds();
  EXPECT_EQ(loaded_builds(), builds);
  // At least this program, the C library and that of C++, 20 bytes each.
  EXPECT_GT(std::ranges::count(builds, ' '), 2) << builds;
  EXPECT_EQ(builds.find_first_not_of("0123456789abcdef "), std::string::npos);
}

}  // namespace
}  // namespace vambrace
