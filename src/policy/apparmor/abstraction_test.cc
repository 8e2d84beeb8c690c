#include "policy/apparmor/abstraction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::policy::apparmor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

AbstractionRules rules(const std::string& text) {
  const auto read = read_rules({{"abstractions/a", text}}, "a");
  EXPECT_TRUE(read) << read.error().message();
  return read.value_or(AbstractionRules{});
}

std::string error(const std::string& text, Sources sources = {}) {
  sources["abstractions/a"] = text;
  const auto read = read_rules(sources, "a");
  EXPECT_TRUE(read || read.error().code() == ErrorCode::InvalidInput);
  return read ? "" : read.error().message();
}

AbstractionRule read_rule(std::string pattern, std::string access,
                          bool owner = false) {
  return {.pattern = std::move(pattern),
          .access = std::move(access),
          .owner = owner};
}

TEST(Abstraction, RulesOfFilesAreRead) {
  const auto read = rules(
      "# Comment, with a comma\n"
      "  abi <abi/3.0>,\n"
      "  @{PROC}/stat mr, # behind\n"
      "  owner \"/a b\" kwl,\n"
      "  file /{x,y}/** r,  owner file /z\n   a\n ,\n"
      "  @{PROC}/stat rm,");
  EXPECT_THAT(read.files, ElementsAre(read_rule("/a b", "klw", true),
                                      read_rule("/z", "a", true),
                                      read_rule("/{x,y}/**", "r"),
                                      read_rule("@{PROC}/stat", "mr")));
  EXPECT_THAT(read.others, IsEmpty());
}

TEST(Abstraction, OtherRulesAreKnownToBeThere) {
  EXPECT_THAT(
      rules("/a r,\n"
            "capability chown,\n"
            "dbus send\n  bus=system\n  peer=(name=\"x, y\", label=z),\n"
            "deny /x{a,b} w,\n"
            "/bin/a rix,\n"
            "/bin/b px -> c,\n"
            "owner /c r -> /d,\n"
            "file,\n"
            "set rlimit nofile <= 10,\n")
          .others,
      ElementsAre("abstractions/a: line 2: a rule of capability",
                  "abstractions/a: line 3: a rule of dbus",
                  "abstractions/a: line 6: a rule of deny",
                  "abstractions/a: line 7: a rule that starts programs",
                  "abstractions/a: line 8: a rule that starts programs",
                  "abstractions/a: line 9: a rule that starts programs",
                  "abstractions/a: line 10: a rule of file",
                  "abstractions/a: line 11: a rule of set"));
}

TEST(Abstraction, WhatIsNotUnderstoodIsAnErrorWithItsLine) {
  EXPECT_EQ(error("/a r,\n/b r\n/c r,\n"),
            "abstractions/a: line 3: a rule that is not understood");
  for (const char* text : {"/a",
                           "/a r",
                           "/a q,",
                           "/a R,",
                           "/a wa,",
                           "/a r,/b r,",
                           "/a#b r,",
                           "/a,b r,",
                           "/a{b, c} r,",
                           "/a\\ b r,",
                           "\"/a r,",
                           "\"/a\\\" r,",
                           "\"/a\"r,",
                           "a r,",
                           "r /a,",
                           "owner owner /a r,",
                           "file file /a r,",

                           "profile x { }",
                           "^x { }",
                           "if a { }",
                           "}",
                           ",",
                           "@{X}=/b",
                           "@{X} = /b",
                           "$X=true",
                           "alias /a -> /b,",
                           "/\xff r,",
                           "abi <abi/3.0>",
                           "dbus (a, b",
                           "include \"x\"",
                           "include <a",
                           "include <../x>",
                           "include <abstractions/../x>",
                           "#included x\n",
                           "priority=1 /a r,",
                           "\"\" r,"}) {
    EXPECT_THAT(error(text), HasSubstr("abstractions/a: line ")) << text;
  }
  EXPECT_THAT(error(std::string("/a r,\0", 6)), HasSubstr("line 1"));
}

TEST(Abstraction, IncludesAreFollowed) {
  const Sources sources = {
      {"abstractions/", ""},
      {"abstractions/a",
       "include <abstractions/b>\n#include if exists <abstractions/a.d>\n"
       "include if exists <abstractions/none>\n/1 r, # include "
       "<abstractions/x>"},
      {"abstractions/a.d/", ""},
      {"abstractions/a.d/.hidden", "/no r,"},
      {"abstractions/a.d/local", "/3 r,"},
      {"abstractions/a.d/local.dpkg-tmp", "/4 r,"},
      {"abstractions/a.d/local~", "/no r,"},
      {"abstractions/a.d/sub/", ""},
      {"abstractions/a.d/sub/x", "/no r,"},
      {"abstractions/b", "  /2 r,\n"}};
  EXPECT_THAT(read_rules(sources, "a")->files,
              ElementsAre(read_rule("/1", "r"), read_rule("/2", "r"),
                          read_rule("/3", "r"), read_rule("/4", "r")));
  EXPECT_THAT(abstraction_names(sources), ElementsAre("a", "b"));
}

TEST(Abstraction, WhatIsIncludedMayNotBeUnknown) {
  EXPECT_THAT(error("include <abstractions/none>"),
              HasSubstr("line 1: an include of what is not there"));
  EXPECT_THAT(error("\ninclude if exists <local/none>"),
              HasSubstr("line 2: an include of what is not below"));
  EXPECT_THAT(error("/a r,\ninclude <abstractions/b>",
                    {{"abstractions/b", "/x r,\n/y\n"}}),
              HasSubstr("abstractions/b: line 3: "));
  EXPECT_THAT(error("include <abstractions/a>"),
              HasSubstr("too many includes"));
  EXPECT_EQ(read_rules({}, "a").error().code(), ErrorCode::NotFound);
}

TEST(Abstraction, WhatWasNotReadIsNotAbsent) {
  Sources sources = {{"abstractions/", ""}, {"abstractions/b.d/", ""}};
  for (const char* path : {"abstractions/b", "abstractions/b.d/x",
                           "abstractions/c.d", "abstractions/b.d/y~"}) {
    sources.emplace(path, fail(ErrorCode::Unavailable, "open: \xff"));
  }
  for (const auto& [include, what] :
       {std::pair("b", "b"), std::pair("b.d", "b.d/x"), std::pair("c.d", "c.d"),
        std::pair("c.d/deep/x", "c.d/deep/x"), std::pair("b.d/y", "")}) {
    sources.insert_or_assign(
        "abstractions/a",
        fmt::format("include if exists <abstractions/{}>\n", include));
    const auto read = read_rules(sources, "a");
    ASSERT_EQ(read.has_value(), *what == '\0') << include;
    if (!read) {
      EXPECT_EQ(
          read.error().message(),
          fmt::format("abstractions/{} cannot be read: open: \\xff", what));
    }
  }
  sources.erase("abstractions/b.d/x");
  sources.insert_or_assign("abstractions/a",
                           "include if exists <abstractions/b.d>\n/a r,\n");
  EXPECT_TRUE(read_rules(sources, "a"));
}

TEST(Abstraction, ReadingHasLimits) {
  EXPECT_THAT(error("/a r," + std::string(300'000, ' ')),
              HasSubstr("too large"));
  std::string many;
  for (int i = 0; i < 6000; ++i) {
    many += "/" + std::to_string(i) + " r,\n";
  }
  EXPECT_THAT(error(many), HasSubstr("line 5001: too many rules"));
  std::string includes;
  for (int i = 0; i < 400; ++i) {
    includes += "include <abstractions/b>\n";
  }
  EXPECT_THAT(error(includes, {{"abstractions/b", ""}}),
              HasSubstr("line 301: too many includes"));
}

TEST(Tunables, VariablesAreRead) {
  const Sources sources = {
      {"tunables/global",
       "include <tunables/home>\n# x\n@{PROC}=/proc/\n"
       "@{two_2} = \"a b\" {c,d}\nalias /a -> /b,\n"},
      {"tunables/home",
       "@{HOME}=@{HOMEDIRS}/*/ /root/\n@{HOMEDIRS}=/home/\n"
       "include <tunables/home.d>\n"},
      {"tunables/home.d/", ""},
      {"tunables/home.d/site", "@{HOMEDIRS}+=/export/\n"}};
  const auto read = read_tunables(sources);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_THAT(*read,
              ElementsAre(Pair("HOME", ElementsAre("@{HOMEDIRS}/*/", "/root/")),
                          Pair("HOMEDIRS", ElementsAre("/home/", "/export/")),
                          Pair("PROC", ElementsAre("/proc/")),
                          Pair("two_2", ElementsAre("a b", "{c,d}"))));
}

TEST(Tunables, WhatIsNotUnderstoodIsAnErrorWithItsLine) {
  for (const char* text :
       {"@{A}=", "@{A}+=x", "@{A}=x\n@{A}=y", "@{A=x", "@{}=x", "@{1}=x",
        "@A=x", "$A=true", "@{A}=x # y", "/x r,", "if a { }", "@{A}",
        "include <abstractions/x>", "include if exists <local/x>"}) {
    const auto read = read_tunables({{"tunables/global", text}});
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message(), HasSubstr("tunables/global: line "));
  }
}

TEST(Abstraction, HasTheVariablesThatItUses) {
  const Sources sources = {{"abstractions/a", "@{HOME}/x r,\n/y r,\n"}};
  const Variables tunables = {
      {"HOME", {"@{DIRS}/*/"}}, {"DIRS", {"/home/"}}, {"PROC", {"/proc/"}}};
  const auto read = read_abstraction(sources, tunables, "a");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_THAT(read->variables,
              ElementsAre(Pair("DIRS", ElementsAre("/home/")),
                          Pair("HOME", ElementsAre("@{DIRS}/*/"))));
  EXPECT_EQ(include_for(*read).name, "abstractions/a");
  EXPECT_EQ(include_for(*read).rules.size(), 2U);
  EXPECT_THAT(read_abstraction(sources, {}, "a").error().message(),
              HasSubstr("abstractions/a: the variable @{HOME}"));
}

TEST(Abstraction, OfAnUnusualNameIsNotForAProfile) {
  const std::string long_name(201, 'x');
  for (const std::string& name :
       {std::string("s p"), std::string("a>"), std::string("\xff"),
        std::string("a,b"), long_name}) {
    const auto read =
        read_abstraction({{"abstractions/" + name, "/a r,"}}, {}, name);
    ASSERT_FALSE(read) << name;
    EXPECT_EQ(read.error().code(), ErrorCode::InvalidInput);
    EXPECT_THAT(read.error().message(), HasSubstr("is no file name"));
  }
  // Nor is one with a variable of such a name.
  EXPECT_FALSE(read_abstraction({{"abstractions/a", "@{" + long_name + "} r,"}},
                                {{long_name, {"/x"}}}, "a"));
}

TEST(Abstraction, WithOtherRulesIsNotForAProfile) {
  const auto read = read_abstraction(
      {{"abstractions/a", "/a r,\nptrace (read),\n"}}, {}, "a");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message(), "abstractions/a: line 2: a rule of ptrace");
}

}  // namespace
}  // namespace vambrace::policy::apparmor
