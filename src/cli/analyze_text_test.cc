#include "cli/analyze_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

elf::Reach sample() {
  elf::Reach reach{.program = "/usr/bin/a\n"};
  reach.calls = {{.syscall = {.nr = 0},
                  .chain = {{"/usr/bin/a", "_start", 1, elf::Link::Start},
                            {"/usr/bin/a", "main", 2},
                            {"/usr/bin/a", "", 3},
                            {"/lib/libc.so.6", "fread", 4},
                            {"/lib/libc.so.6", "read", 5}},
                  .askers = {{"/lib/libc.so.6", "read", 0},
                             {"/usr/bin/a", "main", 1},
                             {"/lib/x\n.so", "", 2}}},
                 {.syscall = {.nr = 1},
                  .confidence = elf::Confidence::Indirect,
                  .chain = {{"/usr/bin/a", "", 0x30, elf::Link::Data}}}};
  for (std::uint64_t i = 1; i <= 5; ++i) {
    reach.gaps.push_back({"number-unknown", "/lib/x.so", "f", i, "lost"});
  }
  reach.files = {{.path = "/usr/bin/a",
                  .why = "program",
                  .code_bytes = 2049,
                  .functions = 9,
                  .reached_functions = 3,
                  .syscalls = {"read"}}};
  return reach;
}

TEST(AnalyzeText, TellsCallsWithTheEndsOfTheirChains) {
  const std::string text = reach_text(sample(), false);
  EXPECT_THAT(text, HasSubstr("/usr/bin/a\\x0a can reach 2 system calls: 1 by "
                              "calls alone, 1 over pointers to functions\n"));
  EXPECT_THAT(text, HasSubstr("_start > ... > fread > read in libc.so.6\n"));
  EXPECT_THAT(text, HasSubstr("  write  indirect    a+0x30 in a\n"));
  EXPECT_THAT(text, HasSubstr("3 of 9  3 kB  program\n"));
}

TEST(AnalyzeText, TellsWholeChainsWhereAsked) {
  const std::string text = reach_text(sample(), true);
  EXPECT_THAT(text, HasSubstr("  read (direct)\n      start: _start at 0x1 in "
                              "/usr/bin/a\n      call: main at 0x2"));
  EXPECT_THAT(text, HasSubstr("      call: 0x3 in /usr/bin/a\n"));
  EXPECT_THAT(text,
              HasSubstr("      asked for by main of a, x\\x0a.so\n  write"));
}

TEST(AnalyzeText, MakesOneRowOfManyFilesThatAreAlike) {
  elf::Reach reach = sample();
  for (int i = 0; i < 7; ++i) {
    reach.files.push_back({.path = fmt::format("/lib/gconv/C{}.so", i),
                           .why = "converts",
                           .code_bytes = 1024,
                           .functions = 2,
                           .reached_functions = 1});
  }
  reach.files[3].syscalls = {"write"};
  reach.files[4].why = "by name";
  const std::string text = reach_text(reach, false);
  EXPECT_THAT(text, HasSubstr("8 files of code:\n"));
  EXPECT_THAT(text, HasSubstr("/lib/gconv/* (5 files)"));
  EXPECT_THAT(text, HasSubstr("5 of 10  5 kB  converts\n"));
  EXPECT_THAT(text, HasSubstr("/lib/gconv/C2.so"));
  EXPECT_THAT(text, HasSubstr("/lib/gconv/C3.so"));
  EXPECT_THAT(text, Not(HasSubstr("/lib/gconv/C1.so")));
}

TEST(AnalyzeText, GroupsGapsAndNeverCallsUnknownNone) {
  const std::string text = reach_text(sample(), false);
  EXPECT_THAT(text, HasSubstr("5 gaps, so more calls may be reached:\n"
                              "  number-unknown: 5\n"
                              "    /lib/x.so, f at 0x1: lost\n"));
  EXPECT_THAT(text, HasSubstr("... and 2 more"));
  EXPECT_THAT(text, Not(HasSubstr("no gap")));
}

}  // namespace
}  // namespace vambrace::cli
