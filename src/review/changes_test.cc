#include "review/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "review/markdown.h"
#include "review/sarif.h"

namespace vambrace::review {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

policy::Finding remark(std::string id, std::string severity,
                       std::string place = "seccomp: mount") {
  return {std::move(id), std::move(severity), std::move(place), "mounts", ""};
}

Review with(std::vector<policy::Finding> findings,
            std::vector<std::string> grants = {}) {
  Review review;
  review.workload.id = "web";
  review.findings = std::move(findings);
  for (std::string& subject : grants) {
    review.grants.push_back({.subject = std::move(subject)});
  }
  return review;
}

std::size_t failures(const Review& now, const std::optional<Review>& old,
                     std::string_view word) {
  const auto since = old ? std::optional(changes(*old, now)) : std::nullopt;
  return failing(now, since, parse_fail_on(word).value()).size();
}

TEST(Changes, AKnownStateStaysGreen) {
  const Review old = with({remark("a", "high"), remark("b", "medium")});
  EXPECT_EQ(failures(old, old, "new-high"), 0U);
  EXPECT_EQ(failures(old, old, "high"), 1U);
  EXPECT_EQ(failures(old, std::nullopt, "new-high"), 1U);
}

TEST(Changes, WhatIsNewFails) {
  const Review old = with({remark("a", "high")});
  const Review now =
      with({remark("a", "high"), remark("a", "high", "seccomp: bpf")});
  EXPECT_EQ(failures(now, old, "new-high"), 1U);
}

TEST(Changes, WhatBecameWorseIsNew) {
  EXPECT_EQ(failures(with({remark("a", "high")}), with({remark("a", "low")}),
                     "new-high"),
            1U);
}

TEST(Changes, OtherCountsInAMessageAreNoChange) {
  Review now = with({remark("a", "high")});
  now.findings[0].message = "12 of them";
  EXPECT_EQ(failures(now, with({remark("a", "high")}), "new-high"), 0U);
}

// The hash in the profile's name is of all its rules.
TEST(Changes, AnotherRuleOfAProfileIsNoChangeOfTheOthers) {
  const Review old =
      with({remark("a", "high", "apparmor: web-0123456789abcdef: /srv/job"),
            remark("b", "high", "apparmor: web-0123456789abcdef//sh: /x")});
  const Review now =
      with({remark("a", "high", "apparmor: web-fedcba9876543210: /srv/job"),
            remark("b", "high", "apparmor: web-fedcba9876543210//sh: /x"),
            remark("b", "high", "apparmor: web-fedcba9876543210//cat: /x")});
  EXPECT_EQ(failures(now, old, "new-high"), 1U);
  EXPECT_THAT(changes(old, now).gone, SizeIs(0));
  EXPECT_EQ(changes(old, now).found.at(0).place,
            "apparmor: web-fedcba9876543210//cat: /x");
}

TEST(Changes, SarifKnowsAFindingWhateverTheProfilesHash) {
  const auto mark = [](const char* place) {
    const std::string text =
        sarif(with({remark("a", "high", place)}), std::nullopt, "b");
    const std::size_t at = text.find("vambrace/v1");
    return text.substr(at, text.find('\n', at) - at);
  };
  EXPECT_EQ(mark("apparmor: web-0123456789abcdef: /x"),
            mark("apparmor: web-fedcba9876543210: /x"));
  EXPECT_NE(mark("apparmor: web-0123456789abcdef: /x"),
            mark("apparmor: web-0123456789abcdef: /y"));
}

TEST(Changes, AnExpiredWaiverFailsThoughItIsNotNew) {
  const Review old = with({remark("waiver-expired", "high", "bundle.yaml")});
  EXPECT_EQ(failures(old, old, "new-high"), 1U);
  EXPECT_EQ(failures(old, old, "none"), 0U);
}

TEST(Changes, TellWhatIsGrantedNow) {
  const Changes made = changes(with({}, {"syscall a", "syscall b"}),
                               with({}, {"syscall b", "syscall c"}));
  ASSERT_THAT(made.granted, SizeIs(1));
  EXPECT_EQ(made.granted[0].subject, "syscall c");
  EXPECT_EQ(made.withdrawn.at(0).subject, "syscall a");
}

TEST(Changes, OtherArgumentsAreAnotherGrant) {
  const auto limited = [](std::string limits) {
    Review review = with({}, {"syscall ioctl"});
    review.grants[0].limits = std::move(limits);
    return review;
  };
  const Review one = limited("arg1 == 0x1");
  const Review two = limited("arg1 == 0x1; arg1 == 0x2");
  const Review any = limited("");
  EXPECT_THAT(changes(one, any).granted, SizeIs(1));
  EXPECT_THAT(changes(one, any).withdrawn, SizeIs(0));
  EXPECT_THAT(changes(one, two).granted, SizeIs(1));
  EXPECT_THAT(changes(one, two).withdrawn, SizeIs(0));
  EXPECT_THAT(changes(any, two).granted, SizeIs(0));
  EXPECT_THAT(changes(any, two).withdrawn, SizeIs(1));
  EXPECT_THAT(changes(two, two).granted, SizeIs(0));
}

TEST(FailOn, NamesWhatItTakes) {
  EXPECT_FALSE(parse_fail_on("new-"));
  EXPECT_FALSE(parse_fail_on("critical"));
  EXPECT_TRUE(parse_fail_on("info"));
}

TEST(Changes, MarkdownTellsWhatIsOfferedAndByWhat) {
  Review review;
  Candidate candidate;
  candidate.rank = 1;
  candidate.subject = "syscall mkdirat";
  candidate.opened_by = {"mkdir"};
  review.candidates = {candidate};
  EXPECT_THAT(markdown(review, std::nullopt),
              testing::HasSubstr("\n1. open no more than what is granted: "
                                 "syscall mkdirat (mkdir)\n"));
  // Of another architecture: one name.
  review.candidates.push_back(candidate);
  EXPECT_THAT(markdown(review, std::nullopt),
              testing::HasSubstr(": syscall mkdirat (mkdir)\n"));
  for (Candidate& one : review.candidates) {
    one.decision = policy::Decision{.choice = "drop"};
  }
  EXPECT_THAT(markdown(review, std::nullopt),
              testing::HasSubstr("each of them is decided about"));
}

TEST(Markdown, LetsNoNameBecomeMarkup) {
  const Review now = with({remark("a", "high", "x | <b> [y](z)")});
  const std::string text = markdown(now, std::nullopt);
  EXPECT_THAT(text, HasSubstr(R"(x \| \<b\> \[y\]\(z\))"));
}

TEST(Markdown, TellsWhatIsNewAlone) {
  const Review old = with({remark("a", "high")}, {"syscall a"});
  const Review now =
      with({remark("a", "high"), remark("b", "high", "seccomp: bpf")},
           {"syscall a", "syscall bpf"});
  const std::string text = markdown(now, changes(old, now));
  EXPECT_THAT(text, HasSubstr("New findings: 1"));
  EXPECT_THAT(text, HasSubstr("Allowed now and not before: 1"));
  EXPECT_THAT(text, Not(HasSubstr("seccomp: mount")));
}

TEST(Markdown, TellsTheArgumentsThatChanged) {
  const auto limited = [](std::string limits) {
    Review review = with({}, {"syscall ioctl"});
    review.grants[0].limits = std::move(limits);
    return review;
  };
  const Review one = limited("arg1 == 0x1");
  const Review two = limited("arg1 == 0x1; arg1 == 0x2");
  const Review any = limited("");
  EXPECT_THAT(markdown(any, changes(one, any)),
              HasSubstr("* syscall ioctl with any arguments, before with arg1 "
                        "== 0x1 ("));
  EXPECT_THAT(markdown(two, changes(one, two)),
              HasSubstr("with arg1 == 0x1; arg1 == 0x2, before with arg1 == "
                        "0x1 ("));
  EXPECT_THAT(markdown(two, changes(with({}), two)),
              HasSubstr("* syscall ioctl with arg1 == 0x1; arg1 == 0x2 ("));
  EXPECT_THAT(markdown(one, changes(two, one)),
              HasSubstr("No longer allowed: 1\n\n* syscall ioctl with arg1 == "
                        "0x1; arg1 == 0x2 ("));
}

TEST(Markdown, QuotesAPlaceOnce) {
  policy::Finding odd = remark("a", "high");
  odd.place = "apparmor: file /a\\\\042 r";
  EXPECT_THAT(markdown(with({odd}), std::nullopt),
              HasSubstr("file /a\\\\\\\\042 r"));
}

TEST(Sarif, TellsFindingsOfOneRuleAndPlaceApart) {
  policy::Finding one = remark("a", "high");
  policy::Finding other = one;
  one.message = "seen 3 times";
  other.message = "seen in 1 phase";
  const json::Value made =
      json::parse(sarif(with({one, other}), std::nullopt, "/x")).value();
  const json::Value& results = made["runs"][0]["results"];
  EXPECT_NE(results[0]["partialFingerprints"],
            results[1]["partialFingerprints"]);
  one.message = "seen 12 times";
  const json::Value later =
      json::parse(sarif(with({one}), std::nullopt, "/x")).value();
  EXPECT_EQ(later["runs"][0]["results"][0]["partialFingerprints"],
            results[0]["partialFingerprints"]);
  EXPECT_EQ(
      results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
      "file:///x/seccomp.json");
}

TEST(Sarif, HasWhatTheStandardAsksFor) {
  const Review old = with({remark("a", "high")});
  const Review now = with({remark("a", "high"), remark("b", "low", "grants")});
  const json::Value made =
      json::parse(sarif(now, changes(old, now), "deploy/a b")).value();
  EXPECT_EQ(made["version"], "2.1.0");
  ASSERT_TRUE(made["runs"].is_array());
  const json::Value& run = made["runs"][0];
  EXPECT_EQ(run["tool"]["driver"]["name"], "vambrace review");
  ASSERT_THAT(run["tool"]["driver"]["rules"], SizeIs(2));
  ASSERT_THAT(run["results"], SizeIs(2));
  const json::Value& result = run["results"][0];
  EXPECT_EQ(result["level"], "error");
  EXPECT_EQ(result["baselineState"], "unchanged");
  EXPECT_EQ(run["results"][1]["baselineState"], "new");
  ASSERT_TRUE(result["locations"].is_array());
  EXPECT_EQ(
      result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
      "deploy/a%20b/seccomp.json");
}

}  // namespace
}  // namespace vambrace::review
