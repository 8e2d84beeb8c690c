#include "recorder/ebpf/names.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace vambrace::recorder::ebpf {
namespace {

// A folder that serves as the root of a container.
class Follow : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/vambrace-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
    std::filesystem::create_directories(path_ + "/run/redis");
    std::filesystem::create_directories(path_ + "/var/lib");
    std::filesystem::create_directories(path_ + "/proc");
    link("/run", "/var/run");
    link("redis", "/run/short");
    link("../../../../run", "/var/lib/up");
    link("loop", "/run/loop");
    link("7", "/proc/self");
    root_ = Fd(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(root_);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  void link(const char* target, const std::string& at) const {
    std::filesystem::create_symlink(target, path_ + at);
  }
  // "?" if it is not known.
  std::string of(std::string_view path, bool last = true) const {
    return follow(root_.get(), path, last).value_or("?");
  }

 private:
  std::string path_;
  Fd root_;
};

TEST_F(Follow, GoesOverLinksInsideTheRoot) {
  EXPECT_EQ(of("/var/run/redis/x.sock"), "/run/redis/x.sock");
  EXPECT_EQ(of("/var/run/short/x.sock"), "/run/redis/x.sock");
  EXPECT_EQ(of("/var/lib/up/x"), "/run/x");
  EXPECT_EQ(of("/var/run/../run/./short//x"), "/run/redis/x");
  EXPECT_EQ(of("/../.."), "/");
}

TEST_F(Follow, TakesTheLastLinkOnlyIfAsked) {
  EXPECT_EQ(of("/var/run", false), "/var/run");
  EXPECT_EQ(of("/var/run", true), "/run");
  EXPECT_EQ(of("/var/run/short", false), "/run/short");
}

TEST_F(Follow, LeavesWhatIsNotThere) {
  EXPECT_EQ(of("/var/run/gone/x"), "/run/gone/x");
  EXPECT_EQ(of("/gone/../var/run/x"), "/run/x");
}

TEST_F(Follow, DoesNotKnowWhatIsAnotherForEverybody) {
  link("/proc/self/fd", "/var/fd");
  link("/proc/self/fd/1", "/var/stdout");
  for (const char* path :
       {"/proc/self/attr/current", "/proc/self/cwd/x", "/proc/thread-self/fd/3",
        "/proc/7/fd/1", "/proc/7/task/8/root/x", "/proc/7/ns/net", "/var/fd/1",
        "/var/stdout", "/var/../proc/./self/cwd/x"}) {
    EXPECT_EQ(of(path), "?") << path;
  }
  EXPECT_EQ(follow(-1, "/var/../proc/./self/cwd/x", true), std::nullopt);
  EXPECT_EQ(of("/proc/self/fd/1", false), "?");
  EXPECT_EQ(of("/var/stdout", false), "/var/stdout");
  EXPECT_EQ(of("/proc/7/status"), "/proc/7/status");
  EXPECT_EQ(of("/proc/sys/fd"), "/proc/sys/fd");
}

TEST_F(Follow, KnowsLinksOfProcWhereverItIs) {
  const Fd root(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(follow(root.get(), "/self/cwd/x", true), std::nullopt);
  EXPECT_EQ(follow(root.get(), "/mounts", true), std::nullopt);
  EXPECT_EQ(follow(root.get(), "/version", true), "/version");
}

TEST_F(Follow, EndsInALoop) {
  EXPECT_EQ(of("/var/run/loop/x"), "/run/loop/x");
}

TEST_F(Follow, WithoutARootTidiesOnly) {
  EXPECT_EQ(follow(-1, "//var/./run/../x", true), "/var/x");
}

TEST(Roots, KnowsItsOwnAndForgetsNobodyElses) {
  struct stat own{};
  struct stat slash{};
  struct stat kept{};
  ASSERT_EQ(::stat("/proc/self/ns/mnt", &own), 0);
  ASSERT_EQ(::stat("/", &slash), 0);
  Roots roots;
  roots.look(static_cast<std::uint32_t>(::getpid()));
  roots.look(0x7fff'ffff);  // no such process
  const int root = roots.of(static_cast<std::uint32_t>(own.st_ino));
  ASSERT_GE(root, 0);
  ASSERT_EQ(::fstat(root, &kept), 0);
  EXPECT_EQ(kept.st_ino, slash.st_ino);
  EXPECT_EQ(roots.of(1), -1);
}

}  // namespace
}  // namespace vambrace::recorder::ebpf
