#include "review/coverage.h"

#include <gtest/gtest.h>

#include "policy/samples.h"

namespace vambrace::review {
namespace {

using policy::sample::call;
using policy::sample::evidence_of;
using policy::sample::fact;
using policy::sample::process;
using policy::sample::seen;

elf::Reach reach_of(std::initializer_list<const char*> names) {
  elf::Reach reach{.program = "/bin/app"};
  elf::LoadedFile file{.path = "/bin/app", .why = "program"};
  for (const char* name : names) {
    reach.calls.push_back({.syscall = call(name)});
    file.syscalls.emplace_back(name);
  }
  std::ranges::sort(reach.calls, {}, &elf::ReachedCall::syscall);
  reach.files = {file};
  return reach;
}

// Evidence of several recordings, each with these calls.
evidence::Evidence recorded(
    const std::vector<std::vector<const char*>>& recordings) {
  evidence::Evidence all;
  for (std::size_t i = 0; i < recordings.size(); ++i) {
    const std::string id = fmt::format("r{}", i);
    std::vector<evidence::SyscallFact> facts;
    for (const char* name : recordings[i]) {
      facts.push_back(fact(name, seen(1, "startup", id.c_str())));
    }
    evidence::Evidence one = evidence_of({process(facts)}, id.c_str());
    one.recordings[0].start += std::chrono::hours(i);
    all = i == 0 ? one : evidence::merge(all, one).value();
  }
  return all;
}

TEST(Coverage, CountsWhatWasSeenOfWhatIsReachable) {
  const auto made = coverage_of(recorded({{"read", "write"}}),
                                std::vector{reach_of({"read", "kill"})});
  ASSERT_EQ(made.programs.size(), 1U);
  EXPECT_EQ(made.programs[0].calls.observed, 1U);
  EXPECT_EQ(made.programs[0].calls.reachable, 2U);
  EXPECT_EQ(made.programs[0].files.at(0).unobserved,
            std::vector<std::string>{"kill"});
  EXPECT_EQ(made.programs[0].outside, std::vector<std::string>{"write"});
}

TEST(Coverage, CallsTheReachableUnknownWhereNothingWasAnalyzed) {
  const auto made = coverage_of(recorded({{"read"}}), {});
  EXPECT_EQ(made.calls.observed, 1U);
  EXPECT_FALSE(made.calls.reachable);
  EXPECT_FALSE(made.programs.at(0).calls.reachable);
}

TEST(Coverage, CallsTheTotalUnknownAsLongAsOneProgramIs) {
  auto evidence =
      evidence_of({process({fact("read")}), process({fact("write")}, "/bin/sh",
                                                    evidence::Origin::Helper)});
  const auto made = coverage_of(evidence, std::vector{reach_of({"read"})});
  EXPECT_FALSE(made.calls.reachable);
}

TEST(Coverage, GrowsInTheOrderInWhichRecordingsWereMade) {
  const auto made = coverage_of(
      recorded({{"read"}, {"read", "write"}, {"read", "write"}}), {});
  EXPECT_EQ(made.growth_by, "recording");
  ASSERT_EQ(made.growth.size(), 3U);
  EXPECT_EQ(made.growth[1].added, 1U);
  EXPECT_EQ(made.growth[2].total, 2U);
}

TEST(Coverage, SaysThatAnotherRunIsWorthItWhereEachShowsSomethingNew) {
  const auto made = coverage_of(
      recorded({{"read", "kill"}, {"read", "write"}, {"read", "mkdir"}}), {});
  EXPECT_EQ(made.outlook.worth, "yes");
  EXPECT_EQ(made.outlook.once, 3U);
  // 2/3 * 3 * 2 / (2 * (0 + 1))
  EXPECT_EQ(made.outlook.expected, 2U);
}

TEST(Coverage, SaysThatItIsNotWhereAllShowTheSame) {
  const auto made = coverage_of(
      recorded({{"read", "kill"}, {"read", "kill"}, {"read", "kill"}}), {});
  EXPECT_EQ(made.outlook.worth, "no");
  EXPECT_EQ(made.outlook.expected, 0U);
}

TEST(Coverage, DoesNotKnowAfterOneRun) {
  const auto made = coverage_of(recorded({{"read", "kill"}}), {});
  EXPECT_EQ(made.outlook.worth, "unknown");
  EXPECT_FALSE(made.outlook.expected);
}

TEST(Coverage, TellsWhatEachPhaseShowsAlone) {
  const auto evidence = evidence_of(
      {process({fact("read", seen(1, "test_a")),
                fact("kill", seen(1, "test_b")),
                {call("write"), {}, {}, [] {
                   auto by = seen(2, "test_a");
                   by.begin()->second.phases = {{"test_a", 1}, {"test_b", 1}};
                   return by;
                 }()}})});
  const auto made = coverage_of(evidence, {});
  ASSERT_EQ(made.phases.size(), 2U);
  EXPECT_EQ(made.phases[0].phase, "test_a");
  EXPECT_EQ(made.phases[0].calls, 2U);
  EXPECT_EQ(made.phases[0].only_here, 1U);
}

TEST(Coverage, TheCallThatTheKernelMakesByItselfIsNotOutside) {
  const auto made = coverage_of(recorded({{"read", "restart_syscall"}}),
                                std::vector{reach_of({"read"})});
  EXPECT_TRUE(made.programs.at(0).outside.empty());
}

}  // namespace
}  // namespace vambrace::review
