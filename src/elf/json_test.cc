#include "elf/json.h"

#include <gtest/gtest.h>

namespace vambrace::elf {
namespace {

Reach sample() {
  Reach reach{.program = "/usr/bin/a\xff", .build_id = "0a"};
  reach.calls = {
      {.syscall = {.nr = 0},
       .chain = {{"/usr/bin/a", "main", 0x1000, Link::Start}},
       .objects = {"/usr/bin/a"},
       .askers = {{"/usr/bin/a", "main", 0}}},
      {.syscall = {.nr = 41},
       .confidence = Confidence::Indirect,
       .chain = {{"/usr/bin/a", "main", 0x1000, Link::Start},
                 {"/lib/libc.so.6", "socket", 0x2000, Link::AddressTaken}},
       .objects = {"/lib/libc.so.6"},
       .askers = {{"/lib/libc.so.6", "socket", 0}, {"/usr/bin/a", "", 1}},
       .arguments = {{.index = 0, .values = {1, 2}}}},
  };
  reach.gaps = {{"number-unknown", "/lib/libc.so.6", "syscall", 0x30, "x"}};
  reach.files = {{.path = "/usr/bin/a",
                  .why = "program",
                  .code_bytes = 10,
                  .functions = 2,
                  .reached_functions = 1,
                  .syscalls = {"read"}}};
  return reach;
}

TEST(ReachJson, RoundTrips) {
  const auto parsed = parse_reach(print_reach(sample()));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, sample());
}

TEST(ReachJson, RefusesWhatItWouldNotWrite) {
  const std::string good = print_reach(sample());
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return parse_reach(text);
  };
  EXPECT_FALSE(changed("reach/v1", "reach/v2"));
  EXPECT_FALSE(changed("\"name\": \"read\"", "\"name\": \"write\""));
  EXPECT_FALSE(changed("\"nr\": 41", "\"nr\": 0"));
  EXPECT_FALSE(changed("0x1000", "4096"));
  EXPECT_FALSE(changed("\"link\": \"start\"", "\"link\": \"luck\""));
  EXPECT_FALSE(changed("\"direct\"", "\"perhaps\""));
  EXPECT_FALSE(changed("\"arch\"", "\"arc\""));
  EXPECT_FALSE(changed("\"0x2\"", "\"0x02\""));
  EXPECT_FALSE(changed("\"inside\": 1", "\"inside\": 5"));
}

}  // namespace
}  // namespace vambrace::elf
