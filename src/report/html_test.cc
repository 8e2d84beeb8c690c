#include "report/html.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace vambrace::report {
namespace {

TEST(Html, LeavesNoCharacterThatCouldEndATextOrAnAttribute) {
  EXPECT_EQ(escape("<a href=\"x\">'&`"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#96;");
}

TEST(Html, WritesBytesThatActAsTheirNumbers) {
  EXPECT_EQ(escape("a\nb\xff"), "a\\x0ab\\xff");
  EXPECT_EQ(escape("\u2028\u202e"), "\\xe2\\x80\\xa8\\xe2\\x80\\xae");
  EXPECT_EQ(escape("\\x0a"), "\\x0a") << "quoted before: not quoted twice";
}

TEST(Html, KeepsLettersOfAnyScript) {
  EXPECT_EQ(escape("größer 中"), "größer 中");
}

TEST(Html, ClosesWhatWasOpenedLast) {
  Html html;
  html.open("p", {{"class", "a\"b"}}).leaf("b", "x<y").text(" z").close();
  EXPECT_EQ(html.markup(), "<p class=\"a&quot;b\"><b>x&lt;y</b> z</p>");
}

TEST(Html, JsonMeansTheSameWithoutCharactersThatEndAnElement) {
  const std::string json = R"({"a<b": "</script><!-- & -->"})";
  const std::string made = escape_json(json);
  EXPECT_EQ(made.find_first_of("<>&"), std::string::npos);
  EXPECT_EQ(json::parse(made).value(), json::parse(json).value());
}

}  // namespace
}  // namespace vambrace::report
