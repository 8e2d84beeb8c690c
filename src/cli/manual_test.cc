#include "cli/manual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPage =
    "## Examples\n\n    vambrace help `x`\n\nSome `code` and **strong**, 3 * "
    "`4\n\n```\nfenced\n```\n";

TEST(RenderMarkdown, IsPlainTextWithoutColor) {
  EXPECT_EQ(render_markdown(kPage, false),
            "Examples\n\n    vambrace help `x`\n\nSome code and strong, 3 * "
            "`4\n\n    fenced\n");
}

TEST(RenderMarkdown, MakesHeadingsBoldOnATerminal) {
  EXPECT_THAT(render_markdown(kPage, true),
              HasSubstr("\x1b[1mExamples\x1b[0m\n"));
}

TEST(ManualPage, ShowsOptionsAsTheCommandDeclaresThem) {
  const Command& version =
      *find_command(std::vector<std::string>{"version"}).command;
  const std::string page = manual_page(version, false);
  EXPECT_THAT(page, HasSubstr("--json"));
  EXPECT_THAT(page, HasSubstr("Usage: vambrace version [OPTIONS]\n"));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace vambrace::cli
