#include "policy/apparmor/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "policy/apparmor/quote.h"

namespace vambrace::policy::apparmor {
namespace {

bool matches(std::string_view pattern, std::string_view path,
             const Variables& variables = {}) {
  const auto parsed = Pattern::parse(pattern, variables);
  EXPECT_TRUE(parsed) << pattern << ": " << parsed.error().message();
  return parsed && parsed->matches(path);
}

std::string refusal(std::string_view pattern, const Variables& variables = {}) {
  const auto parsed = Pattern::parse(pattern, variables);
  EXPECT_FALSE(parsed) << pattern;
  return parsed ? std::string() : parsed.error().message();
}

TEST(Pattern, ALiteralMatchesItselfAlone) {
  EXPECT_TRUE(matches("/etc/passwd", "/etc/passwd"));
  EXPECT_FALSE(matches("/etc/passwd", "/etc/passwd-"));
  EXPECT_FALSE(matches("/etc/passwd", "/etc/passw"));
  EXPECT_FALSE(matches("/etc/passwd", "/etc/passwd/"));
  EXPECT_TRUE(matches("/a.b+c|(d)$^", "/a.b+c|(d)$^"));
  EXPECT_FALSE(matches("/a.b", "/axb"));
}

TEST(Pattern, AStarStaysInOneComponent) {
  EXPECT_TRUE(matches("/a/*.so", "/a/x.so"));
  EXPECT_TRUE(matches("/a/*.so", "/a/.so"));
  EXPECT_FALSE(matches("/a/*.so", "/a/b/x.so"));
}

TEST(Pattern, AStarThatIsAWholeComponentIsNotEmpty) {
  EXPECT_TRUE(matches("/a/*", "/a/b"));
  EXPECT_FALSE(matches("/a/*", "/a/"));
  EXPECT_FALSE(matches("/a/**", "/a/"));
  EXPECT_TRUE(matches("/a/**", "/a/b/c/"));
  EXPECT_FALSE(matches("/*/b", "//b"));
  EXPECT_TRUE(matches("/a/{*,x}", "/a/"));
}

TEST(Pattern, ADirectoryNeedsItsSlash) {
  EXPECT_TRUE(matches("/a/*/", "/a/b/"));
  EXPECT_FALSE(matches("/a/*/", "/a/b"));
  EXPECT_FALSE(matches("/a/*", "/a/b/"));
  EXPECT_TRUE(matches("/a/**/", "/a/b/c/"));
  EXPECT_FALSE(matches("/a/**/", "/a/b/c"));
  EXPECT_TRUE(matches("/a/{,**}", "/a/"));
}

TEST(Pattern, AQuestionMarkIsOneByteAndNoSlash) {
  EXPECT_TRUE(matches("/a?c", "/abc"));
  EXPECT_FALSE(matches("/a?c", "/a/c"));
  EXPECT_FALSE(matches("/a?", "/a\xc3\xa4"));
  EXPECT_TRUE(matches("/a??", "/a\xc3\xa4"));
}

TEST(Pattern, ANegatedClassMatchesASlash) {
  EXPECT_TRUE(matches("/a[b-d]", "/ac"));
  EXPECT_FALSE(matches("/a[b-d]", "/ae"));
  EXPECT_TRUE(matches("/a[d-b]", "/ac"));
  EXPECT_TRUE(matches("/a[^b]c", "/a/c"));
  EXPECT_FALSE(matches("/a[^b]c", "/abc"));
  EXPECT_TRUE(matches("/a[^^b]c", "/axc"));
  EXPECT_FALSE(matches("/a[^^b]c", "/a^c"));
  EXPECT_TRUE(matches("/[-a]", "/-"));
  EXPECT_TRUE(matches("/[{,}]", "/,"));
  EXPECT_TRUE(matches("/[\\x80-\\xff]", "/\xc3"));
}

TEST(Pattern, KeepsTheOdditiesOfClasses) {
  EXPECT_TRUE(matches("/[\\^a]", "/b"));   // negated all the same
  EXPECT_TRUE(matches("/[a\\-c]", "/b"));  // a range all the same
  EXPECT_TRUE(matches("/[\\,]", "/\\"));   // the backslash is a member
  EXPECT_TRUE(matches("/[\\,]", "/,"));
  EXPECT_TRUE(matches("/[a*]", "/[[a]"));  // a pattern inside, then a ]
  EXPECT_FALSE(matches("/[a*]", "/*"));
  EXPECT_TRUE(matches("/[\\*\\]]", "/]"));
}

TEST(Pattern, AlternativesStandInEachOther) {
  EXPECT_TRUE(matches("/{a,b{c,d},}x", "/x"));
  EXPECT_TRUE(matches("/{a,b{c,d},}x", "/bdx"));
  EXPECT_FALSE(matches("/{a,b{c,d},}x", "/bx"));
  EXPECT_TRUE(matches("/{*,b/**}y", "/b/c/y"));
  EXPECT_TRUE(matches("/a,b", "/a,b"));
  EXPECT_TRUE(matches("/{a\\,b,c}", "/a,b"));
}

TEST(Pattern, ReadsEscapesAsCharactersByValue) {
  EXPECT_TRUE(matches(R"(/\101\x42\d67)", "/ABC"));
  EXPECT_TRUE(matches(R"(/\x4z)", "/\x04z"));
  EXPECT_TRUE(matches(R"(/\400)", "/ 0"));
  EXPECT_TRUE(matches(R"(/\052)", "/*"));
  EXPECT_FALSE(matches(R"(/\052)", "/x"));
  EXPECT_TRUE(matches(R"(/\a\e\f\n\r\t\"\\)", "/\a\033\f\n\r\t\"\\"));
  EXPECT_TRUE(matches(R"(/\8\z\x)", "/8zx"));
}

TEST(Pattern, VariablesAreAlternatives) {
  const Variables variables = {{"one", {"a,b"}},
                               {"two", {"x", "/y/"}},
                               {"deep", {"<@{two}>"}},
                               {"self", {"@{self}"}},
                               {"none", {}}};
  EXPECT_TRUE(matches("/@{one}", "/a,b", variables));
  EXPECT_TRUE(matches("/@{two}/z", "/y/z", variables));
  EXPECT_TRUE(matches("/v@{two}z", "/v/y/z", variables));
  EXPECT_TRUE(matches("/@{deep}", "/</y/>", variables));
  EXPECT_TRUE(matches(R"(/\x40\{one\})", "/@{one}", variables));
  EXPECT_TRUE(matches("/@one@", "/@one@"));
  EXPECT_THAT(refusal("/@{self}", variables),
              testing::HasSubstr("uses itself"));
  EXPECT_THAT(refusal("/@{none}", variables), testing::HasSubstr("no value"));
  EXPECT_THAT(refusal("/@{other}", variables), testing::HasSubstr("no value"));
}

TEST(Pattern, SlashesInARowAreOne) {
  EXPECT_TRUE(matches("/a///b", "/a/b"));
  EXPECT_FALSE(matches("/a//b", "/a//b"));
  EXPECT_TRUE(matches("//a", "//a"));
  EXPECT_TRUE(matches("///a", "/a"));
}

TEST(Pattern, RefusesWhatAppArmorRefuses) {
  for (const char* text : {"/a]", "/[a", "/{a,b", "/a}", "/{a}", "/{}", "/[]",
                           "/[a-]", "/[a-c-e]", "/{[,]}", "/[a-z"}) {
    EXPECT_FALSE(Pattern::parse(text)) << text;
  }
  EXPECT_THAT(refusal("/a\\"), testing::HasSubstr("backslash"));
  EXPECT_THAT(refusal("/a]"), testing::HasSubstr("closes nothing"));
}

TEST(Pattern, RefusesWhatIsTooLargeOrTooDeep) {
  EXPECT_FALSE(Pattern::parse(std::string(kMaxPatternText + 1, 'a')));
  std::string deep = "/";
  for (std::size_t i = 0; i < kMaxPatternDepth; ++i) {
    deep += "{,";
  }
  std::string end(kMaxPatternDepth, '}');
  EXPECT_TRUE(Pattern::parse(deep + end));
  EXPECT_FALSE(Pattern::parse(deep + "{," + end + "}"));
  Variables growing = {{"a", {"x", "y", "z", "w"}}};
  for (char name = 'b'; name <= 'z'; ++name) {
    const std::string inner = fmt::format("@{{{}}}", char(name - 1));
    growing[std::string(1, name)] = {inner + inner};
  }
  EXPECT_FALSE(Pattern::parse("/@{z}", growing));
}

TEST(Pattern, TakesNoLongerForManyStars) {
  std::string text = "/";
  for (int i = 0; i < 200; ++i) {
    text += "**a";
  }
  EXPECT_FALSE(matches(text, "/" + std::string(5000, 'b')));
  EXPECT_TRUE(matches(text, "/" + std::string(1000, 'a')));
}

TEST(Overlap, IsThereWhereAPathMatchesBoth) {
  const auto ask = [](const char* one, const char* other) {
    return overlap(*Pattern::parse(one), *Pattern::parse(other));
  };
  EXPECT_TRUE(ask("/etc/**", "/etc/shadow"));
  EXPECT_TRUE(ask("/*/shadow", "/etc/*"));
  EXPECT_FALSE(ask("/etc/*", "/etc/a/b"));
  EXPECT_FALSE(ask("/etc/*.conf", "/etc/*.d"));
  EXPECT_TRUE(ask("/{a,b}*", "/?x"));
}

RC_GTEST_PROP(PatternOf, MatchesExactlyItsPath,
              (const std::string& bytes, const std::string& other)) {
  std::string path = "/";
  for (const char c : bytes) {
    if (c != '\0' && (c != '/' || !path.ends_with('/'))) {
      path += c;
    }
  }
  const auto pattern = Pattern::parse(pattern_of(path));
  RC_ASSERT(pattern);
  RC_ASSERT(pattern->matches(path));
  RC_ASSERT(!pattern->matches(path + "x"));
  RC_ASSERT(!pattern->matches("/" + other) || "/" + other == path);
}

// What `one` matches beyond the others, "nothing" if it is nothing.
std::string more(std::string_view one, const std::vector<std::string>& others) {
  std::vector<Pattern> parsed;
  for (const std::string& other : others) {
    parsed.push_back(Pattern::parse(other).value());
  }
  std::vector<const Pattern*> pointers;
  for (const Pattern& pattern : parsed) {
    pointers.push_back(&pattern);
  }
  return beyond(Pattern::parse(one).value(), pointers).value_or("nothing");
}

TEST(PatternBeyond, GivesAPathThatOnlyOneMatches) {
  EXPECT_EQ(more("/a/*", {}), "/a/x");
  EXPECT_EQ(more("/a/*", {"/a/**"}), "nothing");
  EXPECT_EQ(more("/a/**", {"/a/*"}), "/a/x/");
  EXPECT_EQ(more("/a/[0-9]", {"/a/[0-4]", "/a/[5-9]"}), "nothing");
  EXPECT_EQ(more("/a/[0-9]", {"/a/[0-4]", "/a/[6-9]"}), "/a/5");
  EXPECT_EQ(more("/a/b", {"/a/c", "/a/?"}), "nothing");
  EXPECT_EQ(more("/{a,b,c}", {"/a", "/c"}), "/b");
  EXPECT_EQ(more("/a/*.so", {"/a/lib*"}), "/a/.so");
}

TEST(PatternBeyond, GivesUpInsteadOfGrowing) {
  std::vector<std::string> others;
  for (char c = 'a'; c <= 'z'; ++c) {
    others.push_back(std::string("/**") + c + "??????");
  }
  EXPECT_EQ(more("/**", {"/**a???????????????"}).empty() ||
                more("/**", others) != "nothing",
            true);
}

}  // namespace
}  // namespace vambrace::policy::apparmor
