#include "policy/apparmor/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/apparmor/sensitive.h"
#include "policy/apparmor/variables.h"
#include "policy/risk.h"

namespace vambrace::policy::apparmor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> found(std::vector<FileRule> rules) {
  Profile profile{.name = "web", .abi = "abi/3.0"};
  profile.variables["number"] = {variable_value("number")};
  profile.rules.files = std::move(rules);
  std::vector<std::string> out;
  for (const Finding& finding : lint(profile)) {
    out.push_back(finding.id + " " + finding.severity);
  }
  return out;
}

FileRule rule(std::string pattern, Access access, Exec exec = Exec::None) {
  return {.pattern = std::move(pattern), .access = access, .exec = exec};
}

constexpr Access kRead = {.read = true};
constexpr Access kWrite = {.write = true};

TEST(Lint, SaysNothingAboutNarrowRules) {
  EXPECT_THAT(found({rule("/etc/web/**", kRead), rule("/var/log/web/*", kWrite),
                     rule("/etc/shadow", kRead),
                     rule("/usr/sbin/web", kRead, Exec::Inherit)}),
              IsEmpty());
}

TEST(Lint, WhatAnIncludeGrantsIsTheProfiles) {
  Profile profile{.name = "web", .abi = "abi/3.0"};
  profile.rules.files = {rule("/data/*", kWrite)};
  profile.rules.includes = {
      {.name = "abstractions/a",
       .rules = {rule("/usr/**", kRead), rule("/data/*.so", {.map = true})}}};
  std::vector<std::string> out;
  for (const Finding& finding : lint(profile)) {
    out.push_back(finding.id);
  }
  EXPECT_THAT(out, ElementsAre("apparmor-broad", "apparmor-write-exec"));
}

TEST(Lint, AProfileWithoutAbiDependsOnTheMachine) {
  EXPECT_EQ(lint({.name = "web"}).at(0).id, "apparmor-no-abi");
}

TEST(Lint, ADenyThatOverlapsAnAllowIsFound) {
  FileRule deny = rule("/etc/web/*.key", kRead);
  deny.deny = true;
  EXPECT_THAT(found({deny, rule("/etc/web/**", kRead)}),
              ElementsAre("apparmor-deny-overlap high"));
  EXPECT_THAT(found({deny, rule("/etc/web/**", kWrite)}), IsEmpty());
  EXPECT_THAT(found({deny, rule("/etc/web/*.conf", kRead)}), IsEmpty());
}

TEST(Lint, WhatTakesAFolderOfTheSystemIsBroad) {
  EXPECT_THAT(found({rule("/home/**", kRead)}),
              ElementsAre("apparmor-broad medium", "apparmor-sensitive high"));
  EXPECT_THAT(found({rule("/srv/**", kWrite)}),
              ElementsAre("apparmor-broad high"));
  EXPECT_THAT(found({rule("/srv/web/**", kWrite)}), IsEmpty());
}

TEST(Lint, WildcardsThatReachKeysAreFound) {
  EXPECT_THAT(found({rule("/etc/s*", kRead)}),
              ElementsAre("apparmor-sensitive high"));
  EXPECT_THAT(found({rule("/proc/[0-9]*/environ", kRead)}),
              ElementsAre("apparmor-sensitive high"));
  // Of files that nobody named.
  EXPECT_THAT(found({rule("/root/#@{number}", kRead)}), IsEmpty());
  EXPECT_THAT(found({rule("/root/[#]*", kRead)}),
              ElementsAre("apparmor-sensitive high"));
}

TEST(Lint, ALinkToANameThatMayDoMoreIsFoundOnce) {
  EXPECT_THAT(found({rule("/srv/a", {.read = true, .link = true}),
                     rule("/srv/b", {.write = true, .link = true})}),
              ElementsAre("apparmor-hard-link medium"));
  EXPECT_THAT(found({rule("/srv/a", {.link = true}), rule("/srv/b", kRead)}),
              IsEmpty());
}

TEST(Lint, WhatIsWrittenMustNotRun) {
  EXPECT_THAT(found({rule("/srv/web/*", kWrite),
                     rule("/srv/web/x", kRead, Exec::Inherit)}),
              ElementsAre("apparmor-write-exec high"));
  EXPECT_THAT(found({rule("/srv/web/x", {.append = true, .map = true})}),
              ElementsAre("apparmor-write-exec high"));
}

TEST(Lint, TheSameIsSaidOnceOfTwoRules) {
  FileRule own = rule("/srv/web/x", kWrite);
  own.owner = true;
  EXPECT_THAT(found({rule("/srv/web/x", kWrite, Exec::Inherit), own}),
              ElementsAre("apparmor-write-exec high"));
}

TEST(Lint, ListsOfInheritedProgramsAreFound) {
  std::vector<FileRule> rules;
  for (int i = 0; i < 13; ++i) {
    rules.push_back(
        rule("/usr/bin/x" + std::to_string(i), kRead, Exec::Inherit));
  }
  EXPECT_THAT(found(rules), ElementsAre("apparmor-many-inherit low"));
  EXPECT_THAT(
      found({rule("/usr/bin/x", {.read = true, .map = true}, Exec::Inherit)}),
      ElementsAre("apparmor-implied-map info"));
}

TEST(Lint, ChildrenAreJudgedByThemselves) {
  Profile profile{.name = "web", .abi = "abi/3.0"};
  profile.children["gzip"].files = {rule("/{a}", kRead)};
  const auto findings = lint(profile);
  ASSERT_EQ(findings.size(), 1);
  EXPECT_EQ(findings[0].id, "apparmor-bad-pattern");
  EXPECT_EQ(findings[0].place, "apparmor: web//gzip: /{a}");
}

TEST(SensitivePaths, AreHighInTheTableOfRisksForTheSameReason) {
  for (const Sensitive& path : sensitive_paths()) {
    const auto found = builtin_risks().paths.find(std::string(path.prefix));
    ASSERT_NE(found, builtin_risks().paths.end()) << path.prefix;
    EXPECT_EQ(found->second.level, RiskClass::High) << path.prefix;
    EXPECT_EQ(found->second.exposes, path.reason) << path.prefix;
  }
}

}  // namespace
}  // namespace vambrace::policy::apparmor
