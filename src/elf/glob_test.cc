#include "elf/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/memory_root.h"

namespace vambrace::elf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Glob, MatchesNamesAsAShellDoes) {
  EXPECT_TRUE(matches("*.so", "a.so"));
  EXPECT_TRUE(matches("a*b*c", "aXbYbc"));
  EXPECT_TRUE(matches("?.so*", "a.so"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("*.so", "a.so.1"));
  EXPECT_FALSE(matches("*", ".hidden"));
  EXPECT_TRUE(matches(".h*", ".hidden"));
  EXPECT_FALSE(matches("a?", "a"));
  EXPECT_FALSE(matches("", "a"));
}

TEST(Glob, FindsPathsInTheRoot) {
  MemoryRoot root;
  root.files = {{"/etc/ld.so.conf.d/b.conf", ""},
                {"/etc/ld.so.conf.d/a.conf", ""},
                {"/etc/ld.so.conf.d/a.txt", ""},
                {"/usr/lib/x/auto/A/A.so", ""},
                {"/usr/lib/x/auto/B.so", ""}};
  EXPECT_THAT(
      glob(root, "/etc/*.d/*.conf"),
      ElementsAre("/etc/ld.so.conf.d/a.conf", "/etc/ld.so.conf.d/b.conf"));
  EXPECT_THAT(glob(root, "/usr/lib/**/auto/**/*.so"),
              ElementsAre("/usr/lib/x/auto/A/A.so", "/usr/lib/x/auto/B.so"));
  EXPECT_THAT(glob(root, "/etc/ld.so.conf.d/a.txt"),
              ElementsAre("/etc/ld.so.conf.d/a.txt"));
  EXPECT_THAT(glob(root, "/none/*"), IsEmpty());
  EXPECT_THAT(glob(root, "etc/*"), IsEmpty());
}

TEST(Glob, DoesNotFollowLinksToAnyDepth) {
  MemoryRoot root;
  root.files = {{"/a/b/x.so", ""}};
  root.links = {{"/a/b/up", "/a"}};
  EXPECT_THAT(glob(root, "/a/**/*.so"), ElementsAre("/a/b/x.so"));
}

}  // namespace
}  // namespace vambrace::elf
