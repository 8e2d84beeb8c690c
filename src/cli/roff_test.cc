#include "cli/roff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/captured.h"
#include "cli/shell_script.h"

namespace vambrace::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Roff, KeepsCodeAsItIsAndEscapesRequests) {
  const std::string roff = roff_from_markdown(
      "## Examples\n\n    .hidden -x \\\n\n    second\n\n.text\n\n* a `b`\n");
  EXPECT_THAT(roff, HasSubstr(".SH EXAMPLES\n"));
  EXPECT_THAT(roff,
              HasSubstr(".nf\n    .hidden \\-x \\e\n\n    second\n.fi\n"));
  EXPECT_THAT(roff, HasSubstr("\n\\&.text\n"));
  EXPECT_THAT(roff, HasSubstr(".IP \\(bu 2\na b\n"));
}

TEST(Man, WritesOnePagePerCommandAndOneForAll) {
  Captured world;
  EXPECT_EQ(world.run({"man", "--output", "pages"}), 0);
  EXPECT_EQ(world.files.files.size(), commands().size() + 1);
  EXPECT_THAT(world.files.files["pages/vambrace-version.1"],
              HasSubstr("\\-\\-json"));
}

TEST(Man, SaysThatTheDiskIsFull) {
  Captured world;
  world.files.writes_until_full = 1;
  EXPECT_EQ(world.run({"man", "--output", "pages"}), 4);
  EXPECT_THAT(world.output.error, HasSubstr("no space"));
}

TEST(ShellScripts, KnowEveryCommandAndOption) {
  for (const std::string& script :
       {bash_script(), zsh_script(), fish_script()}) {
    for (const Command& command : commands()) {
      EXPECT_THAT(script, HasSubstr(std::string(
                              command.name.substr(0, command.name.find(' ')))));
    }
    EXPECT_THAT(script, HasSubstr("output"));
    EXPECT_THAT(script, Not(HasSubstr("{}")));
  }
}

TEST(Completion, RefusesAnUnknownShell) {
  Captured world;
  EXPECT_EQ(world.run({"completion", "csh"}), 2);
  EXPECT_THAT(world.output.error, HasSubstr("bash, zsh and fish"));
}

}  // namespace
}  // namespace vambrace::cli
