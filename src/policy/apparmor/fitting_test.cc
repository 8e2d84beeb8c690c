#include "policy/apparmor/fitting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "policy/apparmor/abstraction.h"
#include "policy/apparmor/judge.h"
#include "policy/apparmor/print.h"

namespace vambrace::policy::apparmor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// "/x rw" is a rule, "owner /x r" one for a user's own files.
FileRule rule_from(std::string text) {
  FileRule out;
  if (text.starts_with("owner ")) {
    out.owner = true;
    text.erase(0, 6);
  }
  const std::size_t end = text.find(' ');
  out.pattern = text.substr(0, end);
  const std::string mode = text.substr(end + 1);
  out.access = {.read = mode.contains('r'),
                .write = mode.contains('w'),
                .append = mode.contains('a'),
                .lock = mode.contains('k'),
                .link = mode.contains('l'),
                .map = mode.contains('m')};
  out.exec = mode.contains('x') ? Exec::Inherit : Exec::None;
  out.why.reasons = {{.exe = out.pattern}};
  return out;
}

Profile profile(const std::vector<std::string>& rules) {
  Profile out{.name = "p", .abi = "abi/3.0"};
  for (const std::string& text : rules) {
    out.rules.files.push_back(rule_from(text));
  }
  return out;
}

Abstraction abstraction(const std::string& text,
                        const std::string& name = "a") {
  const Sources sources = {{"abstractions/" + name, text}};
  const Variables tunables = {{"PROC", {"/proc/"}},
                              {"run", {"/run/", "/var/run/"}},
                              {"number", {"[0-9]"}},
                              {"pid", {"[1-9]"}}};
  return read_abstraction(sources, tunables, name).value();
}

std::vector<std::string> patterns(const std::vector<FileRule>& rules) {
  std::vector<std::string> out;
  for (const FileRule& one : rules) {
    out.push_back(one.pattern);
  }
  return out;
}

// Why it does not fit; empty: it does.
std::string misfit(const std::vector<std::string>& rules,
                   const std::string& text) {
  Profile fitted = profile(rules);
  const auto fitting = include_fitting(fitted, {abstraction(text)}).value();
  EXPECT_EQ(fitting.taken.size() + fitting.passed_over.size(), 1U);
  EXPECT_EQ(fitting.taken.empty(), fitted.rules.includes.empty());
  return fitting.taken.empty() ? fitting.passed_over.at("a") : "";
}

TEST(Fitting, ReplacesRulesThatAnAbstractionAllows) {
  Profile fitted = profile({"/etc/hosts.allow r", "/etc/hosts.deny r", "/x r"});
  const auto fitting =
      include_fitting(fitted, {abstraction("/etc/hosts.allow r,\n"
                                           "/etc/hosts.deny r,\n")})
          .value();
  EXPECT_THAT(fitting.taken, ElementsAre("a"));
  EXPECT_THAT(fitting.passed_over, IsEmpty());
  EXPECT_THAT(patterns(fitted.rules.files), ElementsAre("/x"));
  ASSERT_EQ(fitted.rules.includes.size(), 1U);
  EXPECT_EQ(fitted.rules.includes[0].name, "abstractions/a");
  ASSERT_EQ(fitting.findings.size(), 1U);
  EXPECT_EQ(fitting.findings[0].severity, "info");
  EXPECT_EQ(fitting.findings[0].message,
            "stands for 2 rules (/etc/hosts.allow, /etc/hosts.deny) and allows "
            "nothing more");
}

TEST(Fitting, TellsWhatIsAllowedBeyond) {
  Profile fitted = profile({"/etc/a r", "/etc/b r"});
  const auto fitting =
      include_fitting(
          fitted, {abstraction("/etc/a r,\n/etc/b r,\n/etc/c r,\n/d/** r,\n")})
          .value();
  ASSERT_EQ(fitting.findings.size(), 1U);
  EXPECT_EQ(fitting.findings[0].severity, "low");
  EXPECT_EQ(fitting.findings[0].message,
            "stands for 2 rules (/etc/a, /etc/b); 2 of its 4 rules let more be "
            "read, such as /d/x, /etc/c");
}

TEST(Fitting, NeedsTwoRulesThatItAllowsInFull) {
  EXPECT_EQ(misfit({"/a r", "/b r"}, "/a r,\n/b r,\n"), "");
  EXPECT_EQ(misfit({"/d/x r", "/d/y r"}, "/d/* r,\n"), "");
  EXPECT_EQ(misfit({"/d/x* r", "/d/y?z r"}, "/d/*[^/] r,\n"), "");
  for (const std::vector<std::string>& rules :
       {std::vector<std::string>{"/a r"},
        {"/a r", "/b rw"},
        {"/a r", "/b rk"},
        {"/a r", "/b rx"},
        {"/a r", "/** r"},
        {"/a r", "/b* r"},
        {"/a r", "/c r"}}) {
    EXPECT_EQ(misfit(rules, "/a r,\n/b r,\n"),
              "it allows all of fewer than 2 rules")
        << rules.back();
  }
}

TEST(Fitting, NeedsHalfOfItsRulesToHaveBeenUsed) {
  EXPECT_EQ(misfit({"/a r", "/b r"}, "/a r,\n/b r,\n/c r,\n/d r,\n"), "");
  EXPECT_EQ(misfit({"/a r", "/b r"}, "/a r,\n/b r,\n/c r,\n/d r,\n/e r,\n"),
            "only 2 of its 5 rules allow what the profile did");
}

TEST(Fitting, LetsNothingBeChangedOrRunThatWasNot) {
  for (const std::string mode : {"rw", "ra", "rk", "rl", "rm"}) {
    const std::string text = "/a r,\n/b r,\n/c " + mode + ",\n";
    EXPECT_EQ(
        misfit({"/a r", "/b r", "/c r"}, text),
        "its rule /c allows " + mode.substr(1) + ", which the profile did not");
    EXPECT_EQ(misfit({"/a r", "/b r", "/c " + mode}, text), "");
    EXPECT_EQ(
        misfit({"/a r", "/b r", "owner /c " + mode}, text),
        "its rule /c allows " + mode.substr(1) + ", which the profile did not");
  }
  EXPECT_EQ(misfit({"/a r", "/b r", "/c x"}, "/a r,\n/b r,\n/c m,\n"), "");
  // Here the profile has a part of what the include would let be written.
  EXPECT_EQ(misfit({"/a r", "/b r", "/run/x rw"}, "/a r,\n/b r,\n@{run}/x rw,"),
            "its rule @{run}/x allows w, which the profile did not");
  EXPECT_EQ(misfit({"/a r", "/b r", "/run/x rw", "/var/run/x w"},
                   "/a r,\n/b r,\n@{run}/x rw,"),
            "");
}

TEST(Fitting, RulesForOwnersStandForNoOthers) {
  EXPECT_EQ(misfit({"owner /a r", "owner /b r"}, "/a r,\nowner /b r,\n"), "");
  EXPECT_EQ(misfit({"/a r", "/b r"}, "/a r,\nowner /b r,\n"),
            "it allows all of fewer than 2 rules");
}

TEST(Fitting, NeverReachesSensitivePathsOrWholeFolders) {
  EXPECT_EQ(misfit({"/a r", "/etc/shadow r"}, "/a r,\n/etc/shadow r,\n"),
            "its rule /etc/shadow reaches /etc/shadow*: hashes of passwords");
  EXPECT_EQ(misfit({"/a r", "/b r"}, "/a r,\n/b r,\n/etc/*ow r,\n"),
            "its rule /etc/*ow reaches /etc/shadow*: hashes of passwords");
  EXPECT_EQ(misfit({"/usr/a r", "/usr/b r"}, "/usr/** r,\n"),
            "its rule /usr/** takes everything below /usr/");
}

TEST(Fitting, BringsItsVariablesAlong) {
  Profile fitted = profile({"/proc/stat r", "/proc/cpuinfo r"});
  fitted.variables["pid"] = {"[1-9]{,[0-9]}"};
  const Abstraction wanted =
      abstraction("@{PROC}/stat r,\n@{PROC}/cpuinfo r,\n@{PROC}/@{pid}/x r,");
  EXPECT_THAT(include_fitting(fitted, {wanted})->taken, ElementsAre("a"));
  EXPECT_THAT(fitted.variables,
              ElementsAre(Pair("PROC", ElementsAre("/proc/")),
                          Pair("pid", ElementsAre("[1-9]{,[0-9]}"))));
  // A name of ours that it uses for something else.
  Profile other = profile({"/a r", "/b r", "/c/@{number} r"});
  other.variables["number"] = {"[0-9]{,[0-9]}"};
  const auto fitting =
      include_fitting(other, {abstraction("/a r,\n/b r,\n/c/@{number} r,\n")});
  EXPECT_EQ(fitting->passed_over.at("a"), "the profile has another @{number}");
}

TEST(Fitting, TakesWhatReplacesMostFirst) {
  const std::vector<std::string> rules = {"/a r", "/b r", "/c r", "/d r"};
  const std::vector<Abstraction> all = {
      abstraction("/a r,\n/b r,\n", "small"),
      abstraction("/b r,\n/c r,\n/d r,\n", "tall"),
      abstraction("/c r,\n/d r,\n", "wee")};
  Profile fitted = profile(rules);
  const auto fitting = include_fitting(fitted, all).value();
  EXPECT_THAT(fitting.taken, ElementsAre("tall"));
  EXPECT_THAT(patterns(fitted.rules.files), ElementsAre("/a"));
  EXPECT_EQ(fitting.passed_over.size(), 2U);
}

TEST(Fitting, IsForEachChildByItself) {
  Profile fitted = profile({"/a r"});
  fitted.children["cat"].files = {rule_from("/a r"), rule_from("/b r")};
  const auto fitting =
      include_fitting(fitted, {abstraction("/a r,\n/b r,\n")}).value();
  EXPECT_THAT(fitting.taken, ElementsAre("a"));
  EXPECT_THAT(fitting.passed_over, IsEmpty());
  EXPECT_THAT(fitted.rules.includes, IsEmpty());
  EXPECT_EQ(fitted.children["cat"].includes.size(), 1U);
  EXPECT_THAT(fitting.findings[0].place, HasSubstr("p//cat"));
}

TEST(Fitting, AnIncludesRulesHaveTheReasonsOfThoseTheyReplaced) {
  Profile fitted = profile({"/a r", "/b r"});
  ASSERT_TRUE(include_fitting(fitted, {abstraction("/[ab] r,\n")}));
  const FileRule& made = fitted.rules.includes.at(0).rules.at(0);
  ASSERT_EQ(made.why.reasons.size(), 2U);
  EXPECT_EQ(made.why.reasons[0].exe, "/a");
  EXPECT_EQ(made.why.reasons[1].exe, "/b");
}

TEST(Fitting, TheProfilesNameChangesWithWhatAnIncludeHolds) {
  const auto named = [](const std::string& text) {
    Profile fitted = profile({"/a r", "/b r"});
    EXPECT_TRUE(include_fitting(fitted, {abstraction(text)}));
    EXPECT_EQ(fitted.rules.includes.size(), 1U);
    return name_with_hash(fitted).value();
  };
  const std::string name = named("/a r,\n/b r,\n");
  EXPECT_EQ(named("# a comment\n/b r,\n/a r,\n/b r,\n"), name);
  EXPECT_NE(named("/a r,\n/b r,\n/c r,\n"), name);
  EXPECT_NE(named("/[ab] r,\n"), name);
}

const std::vector<std::string>& words() {
  static const std::vector<std::string> kWords = {
      "/a",   "/b",      "/[ab]",    "/?",    "/d/",   "/d/a",  "/d/b",
      "/d/*", "/d/**",   "/d/{a,b}", "/d/a*", "/d/aa", "/e/**", "/e/x/",
      "/*/a", "/d/[^b]", "/d/a?",    "/",     "/e",    "/e/x/y"};
  return kWords;
}

std::vector<std::string> some_rules(int most) {
  const auto count = *rc::gen::inRange(0, most + 1);
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    const auto owner =
        *rc::gen::weightedElement<std::string>({{6, ""}, {1, "owner "}});
    const auto pattern = *rc::gen::elementOf(words());
    const auto mode = *rc::gen::weightedElement<std::string>(
        {{9, "r"}, {2, "rw"}, {1, "a"}, {1, "rk"}, {1, "l"}, {1, "rm"}});
    out.push_back(owner + pattern + " " + mode);
  }
  return out;
}

// What was allowed still is, and beyond reading nothing else.
RC_GTEST_PROP(Fitting, AnIncludeNeverNarrowsAndAddsReadingAlone, ()) {
  // Mostly what the profile has itself: otherwise it would never fit.
  const auto rules = some_rules(8);
  auto holds = some_rules(3);
  for (const std::string& one : rules) {
    if (*rc::gen::arbitrary<bool>()) {
      holds.push_back(one);
    }
  }
  Profile fitted = profile(rules);
  const Profile before = fitted;
  RC_PRE(!holds.empty());
  std::string text;
  for (const std::string& one : holds) {
    text += one + ",\n";
  }
  const auto fitting = include_fitting(fitted, {abstraction(text)});
  RC_ASSERT(fitting.has_value());
  RC_TAG(fitting->taken.empty() ? "unfit" : "fit");
  const auto was = FileJudge::of(before.rules, before.variables).value();
  const auto is = FileJudge::of(fitted.rules, fitted.variables).value();
  for (const char* path :
       {"/", "/a", "/b", "/c", "/d/", "/d/a", "/d/b", "/d/c", "/d/aa", "/d/a/b",
        "/e", "/e/x/", "/e/x/y", "/x/a"}) {
    for (const bool owner : {false, true}) {
      for (const char letter : std::string_view("rwaklm")) {
        const std::string one(1, letter);
        const bool allowed = was.refused(path, one, owner).empty();
        const bool allows_now = is.refused(path, one, owner).empty();
        RC_ASSERT(!allowed || allows_now);
        RC_ASSERT(letter == 'r' || allowed == allows_now);
      }
    }
  }
}

}  // namespace
}  // namespace vambrace::policy::apparmor
