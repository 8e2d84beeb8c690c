#include "host/disk_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/fd.h"

namespace vambrace {
namespace {

class DiskFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "vambrace-files-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  DiskFiles files_;
};

TEST_F(DiskFilesTest, WritesAndReadsBack) {
  ASSERT_TRUE(files_.write(folder_ + "/new/a.json", "first"));
  ASSERT_TRUE(files_.write(folder_ + "/new/a.json", "second"));
  EXPECT_EQ(files_.read(folder_ + "/new/a.json").value(), "second");
  EXPECT_EQ(files_.list(folder_ + "/new").value().size(), 1U);
}

TEST_F(DiskFilesTest, RefusesMoreThanTheLimit) {
  ASSERT_TRUE(files_.write(folder_ + "/big", std::string(100, 'x')));
  auto read = files_.read(folder_ + "/big", 99);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::InvalidInput);
}

TEST_F(DiskFilesTest, AFailedWriteLeavesTheOldFileAndNothingElse) {
  ASSERT_TRUE(files_.write(folder_ + "/a", "old"));
  // A file size limit fails a write half-way, as a full disk does.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit tiny{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tiny), 0);
  const auto result = files_.write(folder_ + "/a", std::string(5000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_FALSE(result);
  EXPECT_EQ(files_.read(folder_ + "/a").value(), "old");
  EXPECT_EQ(files_.list(folder_).value().size(), 1U);
}

TEST_F(DiskFilesTest, WritesSeveralFilesAllOrNone) {
  ASSERT_TRUE(files_.write(folder_ + "/a", "old"));
  // The second of them cannot be written: its folder is a file.
  const auto result =
      files_.write_all({{folder_ + "/a", "new"}, {folder_ + "/a/b", "new"}});
  EXPECT_FALSE(result);
  EXPECT_EQ(files_.read(folder_ + "/a").value(), "old");
  EXPECT_EQ(files_.list(folder_).value().size(), 1U);
  ASSERT_TRUE(files_.write_all({{folder_ + "/a", "1"}, {folder_ + "/c", "2"}}));
  EXPECT_EQ(files_.read(folder_ + "/a").value(), "1");
  EXPECT_EQ(files_.read(folder_ + "/c").value(), "2");
}

TEST_F(DiskFilesTest, WritesIntoAPipeAndADeviceAndReplacesNeither) {
  const std::string pipe = folder_ + "/pipe";
  const std::string link = folder_ + "/link";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/null", link);
  const Fd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(reader);
  ASSERT_TRUE(files_.write(pipe, "text"));
  char got[5] = {};
  EXPECT_EQ(::read(reader.get(), got, 4), 4);
  EXPECT_STREQ(got, "text");
  EXPECT_TRUE(files_.write(link, "text"));
  EXPECT_FALSE(files_.write_all({{pipe, "text"}}));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_TRUE(std::filesystem::is_character_file(link));
  EXPECT_EQ(files_.list(folder_).value().size(), 2U);
}

TEST_F(DiskFilesTest, AFileThatIsReplacedKeepsItsModeAndOwner) {
  const std::string path = folder_ + "/bundle.yaml";
  struct stat status = {};
  ASSERT_TRUE(files_.write(path, "old"));
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644U);
  ASSERT_EQ(::chmod(path.c_str(), 04640), 0);
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::chown(path.c_str(), kNobody, kNobody), 0);
  }
  ASSERT_TRUE(files_.write_all({{path, "new"}}));
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
  EXPECT_EQ(status.st_uid, root ? kNobody : ::geteuid());
  // Where anybody may put a file, nobody's is no file of ours.
  ASSERT_EQ(::chmod(folder_.c_str(), 01777), 0);
  ASSERT_TRUE(files_.write_all({{path, "newest"}}));
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, ::geteuid());
  EXPECT_EQ(status.st_mode & 07777, root ? 0644U : 0640U);
}

TEST_F(DiskFilesTest, ALinkOfOnesOwnStaysAndItsFileIsWritten) {
  const std::string link = folder_ + "/bundle.yaml";
  const std::string real = folder_ + "/real/b.yaml";
  ASSERT_TRUE(files_.write(real, "old"));
  std::filesystem::create_symlink("real/b.yaml", link);
  ASSERT_TRUE(files_.write_all({{link, "newest"}}));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(files_.read(real).value(), "newest");
  EXPECT_EQ(files_.list(folder_ + "/real").value().size(), 1U);
  if (::geteuid() == 0) {
    // Of somebody else it would choose which file root writes.
    ASSERT_EQ(::lchown(link.c_str(), 65534, 65534), 0);
    ASSERT_TRUE(files_.write_all({{link, "mine"}}));
    EXPECT_FALSE(std::filesystem::is_symlink(link));
    EXPECT_EQ(files_.read(real).value(), "newest");
  }
}

TEST_F(DiskFilesTest, WhatAKilledWriterLeftGoesOnceItIsOld) {
  const auto leave = [&](const std::string& name, bool old) {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(files_.write(path, "half"));
    if (old) {
      std::filesystem::last_write_time(
          path, std::filesystem::file_time_type::clock::now() -
                    std::chrono::hours(2));
    }
  };
  leave(".bundle.yaml.aB3dE6", true);
  leave(".bundle.yaml.young6", false);
  leave(".bundle.yaml.tooLong", true);
  leave(".other.yaml.aB3dE6", true);
  leave("bundle.yaml.aB3dE6", true);
  ASSERT_TRUE(files_.write_all({{folder_ + "/bundle.yaml", "new"}}));
  EXPECT_EQ(files_.list(folder_).value(),
            (std::vector<std::string>{
                ".bundle.yaml.tooLong", ".bundle.yaml.young6",
                ".other.yaml.aB3dE6", "bundle.yaml", "bundle.yaml.aB3dE6"}));
  leave(".bundle.yaml.aB3dE6", true);
  leave(".bundle.yaml.vambrace-aB3dE6", true);
  ASSERT_TRUE(files_.write(folder_ + "/bundle.yaml", "newer"));
  EXPECT_FALSE(files_.exists(folder_ + "/.bundle.yaml.aB3dE6"));
  EXPECT_FALSE(files_.exists(folder_ + "/.bundle.yaml.vambrace-aB3dE6"));
}

TEST_F(DiskFilesTest, SeveralFilesAreRenamedInTheOrderGiven) {
  ASSERT_TRUE(
      files_.write_all({{folder_ + "/z", "old"}, {folder_ + "/a", "old"}}));
  // No file takes the place of a folder: the renaming ends there.
  ASSERT_TRUE(files_.write(folder_ + "/m/x", "old"));
  EXPECT_FALSE(files_.write_all({{folder_ + "/z", "new"},
                                 {folder_ + "/m", "new"},
                                 {folder_ + "/a", "new"}}));
  EXPECT_EQ(files_.read(folder_ + "/z").value(), "new");
  EXPECT_EQ(files_.read(folder_ + "/a").value(), "old");
  EXPECT_EQ(files_.list(folder_).value(),
            (std::vector<std::string>{"a", "m", "z"}));
}

TEST_F(DiskFilesTest, WhatWasStagedIsRemovedWhereverAKillLeftIt) {
  const auto leave = [&](const std::string& name) {
    EXPECT_TRUE(files_.write(folder_ + "/" + name, "half"));
  };
  leave(".policy.json.vambrace-aB3dE6");
  leave(".gone.json.vambrace-aB3dE6");
  leave(".policy.json.aB3dE6");
  leave("policy.json");
  std::filesystem::create_directory(folder_ + "/.d.vambrace-aB3dE6");
  const std::string link = folder_ + "-link";
  std::filesystem::create_directory_symlink(folder_, link);
  files_.remove_staged(link);
  EXPECT_EQ(files_.list(folder_).value().size(), 5U)
      << "another may hold it by its own name";
  files_.remove_staged(link + "/");
  std::filesystem::remove(link);
  EXPECT_EQ(files_.list(folder_).value(),
            (std::vector<std::string>{".d.vambrace-aB3dE6",
                                      ".policy.json.aB3dE6", "policy.json"}));
}

TEST_F(DiskFilesTest, SaysNotFound) {
  auto read = files_.read(folder_ + "/none");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace vambrace
