#include "cli/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "cli/captured.h"
#include "cli/manual.h"

namespace vambrace::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(CommandTable, EveryRowHasSummaryGroupAndManualPageWithExamples) {
  std::set<std::string_view> names;
  for (const Command& command : commands()) {
    SCOPED_TRACE(command.name);
    EXPECT_TRUE(names.insert(command.name).second);
    EXPECT_FALSE(command.summary.empty());
    EXPECT_FALSE(command.group.empty());
    const auto page = manual_text(command);
    ASSERT_TRUE(page.has_value()) << "src/cli/NAME.md is missing";
    EXPECT_THAT(std::string(*page), HasSubstr("## Examples\n"));
    EXPECT_THAT(std::string(*page),
                HasSubstr(fmt::format("vambrace {}", command.name)));
  }
}

TEST(CommandTable, EveryRowDeclaresItsWordsBeforeItRuns) {
  for (const Command& command : commands()) {
    SCOPED_TRACE(command.name);
    for (const OptionSpec& spec : describe(command)) {
      EXPECT_FALSE(spec.names.empty());
      EXPECT_FALSE(spec.about.empty()) << spec.names;
    }
  }
}

TEST(CommandTable, EveryCommandExplainsItselfAndRefusesAnUnknownOption) {
  for (const Command& command : commands()) {
    SCOPED_TRACE(command.name);
    std::vector<std::string> words;
    const std::string name(command.name);
    const std::size_t space = name.find(' ');
    words.push_back(name.substr(0, space));
    if (space != std::string::npos) {
      words.push_back(name.substr(space + 1));
    }
    words.emplace_back("--help");
    Captured help;
    EXPECT_EQ(help.run(words), 0);
    EXPECT_THAT(help.output.answer, HasSubstr("Examples"));
    words.back() = "--no-such-option";
    Captured typo;
    EXPECT_EQ(typo.run(words), 2);
    EXPECT_THAT(typo.output.error, HasSubstr("--no-such-option"));
    EXPECT_THAT(typo.output.error, HasSubstr("\nhint: "));
  }
}

TEST(Run, ShowsTheOverviewWithoutWords) {
  Captured world;
  EXPECT_EQ(world.run({}), 0);
  EXPECT_THAT(world.output.answer, HasSubstr("vambrace COMMAND --help"));
  EXPECT_EQ(world.output.error, "");
}

TEST(Run, OffersTheNearestCommand) {
  Captured world;
  EXPECT_EQ(world.run({"verison"}), 2);
  EXPECT_EQ(world.output.error,
            "vambrace: unknown command \"verison\", did you mean "
            "\"version\"?\nhint: vambrace version --help\n");
  EXPECT_EQ(world.output.answer, "");
}

TEST(Run, QuotesHostileWords) {
  Captured world;
  EXPECT_EQ(world.run({"\x1b[2J\n"}), 2);
  EXPECT_THAT(world.output.error, HasSubstr("\\x1b[2J\\x0a"));
}

TEST(Run, AnswersErrorsInJsonWhenAsked) {
  Captured world;
  EXPECT_EQ(world.run({"version", "--json", "--jsno"}), 2);
  const json::Value error = json::parse(world.output.answer).value();
  EXPECT_EQ(error["schema"], "vambrace.error/v1");
  EXPECT_EQ(error["command"], "version");
  EXPECT_EQ(error["exit"], 2);
  EXPECT_EQ(error["error"]["message"],
            "unknown option --jsno, did you mean --json?");
  EXPECT_THAT(world.output.error, StartsWith("vambrace version: unknown"));
}

TEST(Help, ShowsPagesAndRefusesUnknownOnes) {
  Captured world;
  EXPECT_EQ(world.run({"help", "version"}), 0);
  EXPECT_THAT(world.output.answer, StartsWith("vambrace version - "));
  EXPECT_EQ(world.run({"help", "helo"}), 2);
  EXPECT_THAT(world.output.error, HasSubstr("did you mean \"help\"?"));
}

TEST(Run, PrintsNoControlCharacterOfANameFromOutside) {
  const std::string name = "a\nhint: b\033[31m\u202e\xff";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"evidence", "check", name},
        {"replay", name},
        {"lint", name, "--json"}}) {
    Captured world;
    EXPECT_EQ(world.run(words), 2);
    EXPECT_THAT(world.output.error,
                HasSubstr("a\\x0ahint: b\\x1b[31m\\xe2\\x80\\xae\\xff"));
    EXPECT_THAT(
        world.output.error + world.output.answer,
        testing::Not(testing::AnyOf(HasSubstr("\033"), HasSubstr("\u202e"))));
  }
}

}  // namespace
}  // namespace vambrace::cli
