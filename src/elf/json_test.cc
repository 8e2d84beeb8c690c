#include "elf/json.h"

#include <gtest/gtest.h>

#include "base/json.h"

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

TEST(ReachJson, IsPrintedAsOtherDocumentsAre) {
  for (const Reach& reach : {sample(), Reach{}}) {
    const std::string text = print_reach(reach);
    EXPECT_EQ(json::print(*json::parse(text)), text);
  }
}

TEST(ReachJson, OfSeveralProgramsIsTheListOfTheirs) {
  for (const std::vector<Reach>& reaches :
       {std::vector<Reach>{}, {sample()}, {sample(), Reach{}}}) {
    json::Value list = json::Value::array();
    for (const Reach& reach : reaches) {
      list.push_back(*json::parse(print_reach(reach)));
    }
    EXPECT_EQ(
        print_reaches(reaches),
        json::print({{"programs", list}, {"schema", "vambrace.reaches/v1"}}));
  }
}

TEST(ReachJson, ReadsOtherSpacesAndNoOtherNames) {
  const std::string good = print_reach(sample());
  const std::string line = json::print_line(*json::parse(good));
  const auto parsed = parse_reach(line);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, sample());
  std::string name = line;
  name.replace(name.find("\"name\":\"read\""), 13, "\"name\":\"writ\"");
  EXPECT_FALSE(parse_reach(name));
}

TEST(ReachJson, SaysOfAnotherDocumentWhichItIs) {
  const auto other =
      parse_reach("{\"schema\": \"vambrace.reaches/v1\", \"programs\": []}");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message(),
            "schema \"vambrace.reaches/v1\" is not vambrace.reach/v1");
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
