#include "policy/apparmor/quote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace vambrace::policy::apparmor {
namespace {

TEST(PatternOf, LeavesAnOrdinaryPathAlone) {
  EXPECT_EQ(pattern_of("/usr/lib/x86_64-linux-gnu/libc.so.6"),
            "/usr/lib/x86_64-linux-gnu/libc.so.6");
  EXPECT_EQ(pattern_of("/run/user@1000.service/"), "/run/user@1000.service/");
}

TEST(PatternOf, EscapesWhatPatternsUse) {
  EXPECT_EQ(pattern_of("/a*b?c[d]e{f,g}^h"), R"(/a\*b\?c\[d\]e\{f\,g\}\^h)");
}

TEST(PatternOf, WritesQuotesAndBackslashesInOctal) {
  EXPECT_EQ(pattern_of(R"(/a"b\c)"), R"(/a\042b\134c)");
}

TEST(PatternOf, MakesNoVariable) {
  EXPECT_EQ(pattern_of("/@{HOME}"), R"(/\100\{HOME\})");
}

TEST(PatternOf, WritesBytesThatAreNoPrintableAsciiInOctal) {
  EXPECT_EQ(pattern_of("/a\n\x1b\x7f\xc3\xa4\xff"),
            R"(/a\012\033\177\303\244\377)");
  EXPECT_EQ(pattern_of("/\n1"), R"(/\0121)");
}

TEST(WordOf, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(word_of("/etc/nginx/**"), "/etc/nginx/**");
  EXPECT_EQ(word_of("/usr/{bin,sbin}/x[0-9]"), "/usr/{bin,sbin}/x[0-9]");
  EXPECT_EQ(word_of("@{PROC}/self/maps"), "@{PROC}/self/maps");
  EXPECT_EQ(word_of("/a b"), R"("/a b")");
  EXPECT_EQ(word_of("/a,"), R"("/a,")");
  EXPECT_EQ(word_of("/a, b"), R"("/a, b")");
  EXPECT_EQ(word_of("/a,,b"), R"("/a,,b")");
  EXPECT_EQ(word_of("/#include <x>"), R"("/#include <x>")");
  EXPECT_EQ(word_of("a"), R"("a")");
  EXPECT_EQ(word_of(""), R"("")");
}

TEST(WordOf, LetsNoTextEndTheWord) {
  EXPECT_EQ(word_of("/a\" rw,\n/** rwx,"), R"("/a\042 rw,\012/** rwx,")");
  EXPECT_EQ(word_of(R"(/a\)"), R"(/a\134)");
  EXPECT_EQ(word_of(R"(/a\\)"), R"(/a\134)");
  EXPECT_EQ(word_of(R"(/a\\\")"), R"(/a\134\042)");
  EXPECT_EQ(word_of("/a\\\n"), R"(/a\012)");
}

// What apparmor_parser takes for one quoted name: no quote inside, and no
// backslash before the last one.
bool is_one_word(std::string_view word) {
  for (const char c : word) {
    if (c < ' ' || c > '~') {
      return false;
    }
  }
  if (!word.starts_with('"')) {
    return word.find_first_of(" \"!#") == std::string_view::npos &&
           !word.ends_with(',');
  }
  return word.size() >= 2 && word.ends_with('"') &&
         word.substr(1, word.size() - 2).find('"') == std::string_view::npos &&
         word.find("\\\\") == std::string_view::npos && !word.ends_with("\\\"");
}

RC_GTEST_PROP(WordOf, IsOneWordWhateverTheBytes, (const std::string& bytes)) {
  RC_ASSERT(is_one_word(word_of(bytes)));
  RC_ASSERT(is_one_word(word_of(pattern_of(bytes))));
}

RC_GTEST_PROP(WordOf, SaysTheSameWhenGivenItsOwnText,
              (const std::string& bytes)) {
  const std::string pattern = pattern_of("/" + bytes);
  const std::string word = word_of(pattern);
  RC_ASSERT(word == pattern || word == '"' + pattern + '"');
}

}  // namespace
}  // namespace vambrace::policy::apparmor
