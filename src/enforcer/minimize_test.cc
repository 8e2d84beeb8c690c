#include "enforcer/minimize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::enforcer {
namespace {

using testing::ElementsAre;

using Set = std::set<std::uint32_t>;

Judgement judgement(int status) {
  Judgement result;
  result.status = status;
  result.started = 1;
  return result;
}

TEST(Minimize, KeepsWhatIsMissedAndTriesTheRestAsAWhole) {
  std::vector<Set> tried;
  const auto minimum = minimize({3, 7, 10}, [&](const Set& set) {
    tried.push_back(set);
    return Result<Judgement>(judgement(set.contains(7) ? 0 : 1));
  });
  ASSERT_TRUE(minimum);
  EXPECT_THAT(minimum->capabilities, ElementsAre(7));
  EXPECT_THAT(tried, ElementsAre(Set{7, 10}, Set{3, 10}, Set{3, 7}, Set{7}));
  EXPECT_TRUE(minimum->whole.holds());
  EXPECT_FALSE(minimum->omissions[0].missed);
  EXPECT_TRUE(minimum->omissions[1].missed);
  EXPECT_EQ(minimum->omissions[1].why, "the command ended with 1");
}

TEST(Minimize, KeepsWhatTheKernelRefusedThoughTheCommandCoped) {
  const auto minimum = minimize({3}, [](const Set& set) {
    Judgement result = judgement(0);
    if (!set.contains(3)) {
      result.unexpected.push_back({.exe = "/x", .capability = 3, .count = 1});
    }
    return Result<Judgement>(result);
  });
  ASSERT_TRUE(minimum);
  EXPECT_THAT(minimum->capabilities, ElementsAre(3));
}

TEST(Minimize, ShowsWhenTwoStandInForEachOther) {
  // Either alone is enough, so each is missed by nobody on its own.
  const auto minimum = minimize({3, 7}, [](const Set& set) {
    return Result<Judgement>(judgement(set.empty() ? 1 : 0));
  });
  ASSERT_TRUE(minimum);
  EXPECT_TRUE(minimum->capabilities.empty());
  EXPECT_FALSE(minimum->whole.holds());
}

TEST(Report, CountsStartsAndTellsFailures) {
  const Report report = parse_report(
      "confined 12 /usr/sbin/nginx\nconfined 13 /usr/sbin/nginx\n"
      "failed 1 load the seccomp filter\n"
      "failed 0 a capability of the policy is not held here\n");
  EXPECT_EQ(report.started, 2U);
  EXPECT_THAT(report.failures,
              ElementsAre("load the seccomp filter: EPERM",
                          "a capability of the policy is not held here"));
}

TEST(Report, TakesALineThatNobodyWroteForAFailure) {
  for (const char* text :
       {"confined 12 /usr/sbin/nginx", "confined 12\n", "confined /x\n",
        "confined 12 \n", "failed x y\n", "failed 1\n", "hello\n", "\n",
        "confined 99999999999 /x\n", "confined 12 /x\nconf"}) {
    const Report report = parse_report(text);
    ASSERT_EQ(report.failures.size(), 1U) << text;
    EXPECT_THAT(report.failures[0], testing::HasSubstr("none wrote")) << text;
  }
  EXPECT_TRUE(parse_report("").failures.empty());
}

TEST(Judgement, HoldsOnlyIfSomethingRanUnderThePolicy) {
  Judgement result = judgement(0);
  EXPECT_TRUE(result.holds());
  result.started = 0;
  EXPECT_FALSE(result.holds());
}

TEST(Judgement, DoesNotTrustARecordingThatLostFacts) {
  evidence::Evidence trial;
  trial.recordings.emplace_back().verdict.gaps = {{"map_full", "facts"}};
  EXPECT_FALSE(judge(0, {.started = 1}, {trial}, {}, {}, {}, {}).holds());
  trial.recordings[0].verdict.gaps = {{"scope_lost", "started 2 times"}};
  EXPECT_FALSE(judge(0, {.started = 1}, {trial}, {}, {}, {}, {}).holds());
  trial.recordings[0].verdict.gaps = {{"ring_lost", "hints"}};
  EXPECT_TRUE(judge(0, {.started = 1}, {trial}, {}, {}, {}, {}).holds());
}

}  // namespace
}  // namespace vambrace::enforcer
