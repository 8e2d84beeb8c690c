#include "elf/launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/memory_root.h"

namespace vambrace::elf {
namespace {

using ::testing::HasSubstr;

TEST(Launch, FindsProgramsByPathAndByName) {
  MemoryRoot root;
  root.files = {{"/usr/bin/a", ""}, {"/data/b", ""}};
  root.links = {{"/bin", "usr/bin"}};
  const Surroundings around{.search_path = "/none::/bin:.", .folder = "/data"};
  EXPECT_EQ(*find_program(root, "a", around), "/bin/a");
  EXPECT_EQ(*find_program(root, "/usr/bin/a", around), "/usr/bin/a");
  EXPECT_EQ(*find_program(root, "./b", around), "/data/./b");
  EXPECT_EQ(*find_program(root, "b", around), "/data/./b");
  EXPECT_EQ(find_program(root, "c", around).error().code(),
            ErrorCode::NotFound);
  EXPECT_FALSE(find_program(root, "/usr/bin", around));
  EXPECT_FALSE(find_program(root, "", around));
}

TEST(Launch, ReadsTheFirstLineAsTheKernelDoes) {
  EXPECT_EQ(parse_script_line("#! /bin/sh -e -x \nls"),
            (ScriptLine{"/bin/sh", "-e -x"}));
  EXPECT_EQ(parse_script_line("#!/bin/sh"), (ScriptLine{"/bin/sh", ""}));
  EXPECT_EQ(parse_script_line("#!\n"), std::nullopt);
  EXPECT_EQ(parse_script_line("\177ELF"), std::nullopt);
  EXPECT_EQ(parse_script_line(std::string("#!/bin/\0sh", 10)), std::nullopt);
}

TEST(Launch, FollowsScriptsAndSaysSo) {
  MemoryRoot root;
  root.files = {{"/e.sh", "#!/usr/bin/env -S A=1 python3 -u\n"},
                {"/usr/bin/python3", "\177ELF"}};
  const auto launch = follow_scripts(root, "/e.sh", {});
  ASSERT_TRUE(launch) << launch.error().message();
  EXPECT_EQ(launch->program, "/usr/bin/python3");
  ASSERT_EQ(launch->gaps.size(), 1);
  EXPECT_EQ(launch->gaps[0].kind, "script");
  EXPECT_EQ(launch->gaps[0].object, "/e.sh");
  EXPECT_THAT(launch->gaps[0].detail, HasSubstr("/usr/bin/python3"));
}

TEST(Launch, TellsWhatIsMissingAndDoesNotGoRound) {
  MemoryRoot root;
  root.files = {{"/e.sh", "#!/bin/none\n"}, {"/round", "#!/round\n"}};
  EXPECT_THAT(follow_scripts(root, "/e.sh", {}).error().message(),
              HasSubstr("/bin/none"));
  EXPECT_EQ(follow_scripts(root, "/round", {}).error().code(),
            ErrorCode::InvalidInput);
}

}  // namespace
}  // namespace vambrace::elf
