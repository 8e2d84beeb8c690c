#include "recorder/ebpf/selectors.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace vambrace::recorder::ebpf {
namespace {

namespace fs = std::filesystem;

// A folder of programs that is the whole of PATH.
class Selectors : public testing::Test {
 protected:
  Selectors() {
    std::string name = fs::temp_directory_path() / "selectors.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    ::setenv("PATH", ("/nowhere:" + folder_.string()).c_str(), 1);
  }
  ~Selectors() override {
    ::setenv("PATH", path_.c_str(), 1);
    fs::remove_all(folder_);
  }

  void program(const std::string& name) {
    std::ofstream(folder_ / name) << "#!/bin/sh\n";
    fs::permissions(folder_ / name, fs::perms::owner_all);
  }
  void link(const std::string& from, const std::string& to) {
    fs::create_symlink(to, folder_ / from);
  }
  std::uint64_t inode(const std::string& name) {
    struct stat info{};
    ::stat((folder_ / name).c_str(), &info);
    return info.st_ino;
  }

  fs::path folder_;
  std::string path_ = ::getenv("PATH");
};

TEST_F(Selectors, NameMeansFilesOfThatNameWhereverTheyLie) {
  program("server");
  const auto keys = selector_keys("server").value();
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_STREQ(keys[0].name, "server");
  EXPECT_EQ(keys[0].inode, 0U);
}

TEST_F(Selectors, NameThatIsALinkMeansItsFileToo) {
  program("check-rdb");
  link("server", "check-rdb");
  const auto keys = selector_keys("server").value();
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_STREQ(keys[0].name, "server");
  EXPECT_EQ(keys[1].inode, inode("check-rdb"));
  EXPECT_STREQ(keys[1].name, "");
}

TEST_F(Selectors, NameOfAnAppletDoesNotMeanAllOfBusybox) {
  program("busybox");
  link("httpd", "busybox");
  EXPECT_EQ(selector_keys("httpd").value().size(), 1U);
}

TEST_F(Selectors, PathMeansThatFileAndMustExist) {
  program("server");
  const auto keys = selector_keys((folder_ / "server").string()).value();
  ASSERT_EQ(keys.size(), 3U);
  EXPECT_EQ(keys[0].inode, inode("server"));
  EXPECT_EQ(keys[1].name, (folder_ / "server").string());
  const auto missing = selector_keys((folder_ / "missing").string());
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
}

TEST_F(Selectors, NameThatCannotBeOneIsRefused) {
  EXPECT_FALSE(selector_keys("").has_value());
  EXPECT_FALSE(selector_keys(std::string(200, 'x')).has_value());
}

}  // namespace
}  // namespace vambrace::recorder::ebpf
