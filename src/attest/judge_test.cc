#include "attest/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::attest {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kBind = 1U << 10;
constexpr std::uint64_t kSetuid = 1U << 7;
const Expectation kExpected{
    .capabilities = kBind | kSetuid, .no_new_privs = true, .filter = true};

ThreadState as_started() {
  return {.name = "nginx",
          .pid = 100,
          .tid = 100,
          .permitted = kBind | kSetuid,
          .effective = kBind | kSetuid,
          .bounding = kBind | kSetuid,
          .no_new_privs = true,
          .seccomp_mode = 2,
          .seccomp_filters = 1};
}

std::vector<Finding> judged(const ThreadState& thread,
                            const Expectation& expected = kExpected) {
  return judge(std::span(&thread, 1), 100, expected);
}

TEST(Judge, IsSilentAboutWhatTheBundleSays) {
  EXPECT_THAT(judged(as_started()), IsEmpty());
}

TEST(Judge, LetsAWorkerGiveUpWhatItWasGiven) {
  ThreadState worker = as_started();
  worker.pid = worker.tid = 101;
  worker.permitted = worker.effective = 0;
  worker.bounding = kBind;
  EXPECT_THAT(judged(worker), IsEmpty());
}

TEST(Judge, FindsAnAddedCapabilityInEverySet) {
  std::uint64_t ThreadState::* const sets[] = {
      &ThreadState::bounding, &ThreadState::permitted, &ThreadState::effective,
      &ThreadState::inheritable, &ThreadState::ambient};
  for (const auto set : sets) {
    ThreadState thread = as_started();
    thread.*set |= 1U << 12;
    const auto findings = judged(thread);
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].id, "capability-added");
    EXPECT_THAT(findings[0].message, HasSubstr("CAP_NET_ADMIN"));
  }
}

TEST(Judge, FindsAMissingCapabilityInTheLeader) {
  ThreadState thread = as_started();
  thread.bounding = kBind;
  const auto findings = judged(thread);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].id, "capability-missing");
  EXPECT_THAT(findings[0].message, HasSubstr("CAP_SETUID"));
}

TEST(Judge, FindsAMissingNoNewPrivsOnlyWhereItIsPromised) {
  ThreadState thread = as_started();
  thread.no_new_privs = false;
  ASSERT_EQ(judged(thread).size(), 1U);
  EXPECT_EQ(judged(thread)[0].id, "no-new-privs");
  Expectation without = kExpected;
  without.no_new_privs = false;
  EXPECT_THAT(judged(thread, without), IsEmpty());
}

TEST(Judge, FindsTheOneThreadWithoutAFilter) {
  ThreadState second = as_started();
  second.tid = 102;
  second.seccomp_mode = second.seccomp_filters = 0;
  const ThreadState threads[] = {as_started(), second};
  const auto findings = judge(threads, 100, kExpected);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].id, "no-filter");
  EXPECT_EQ(findings[0].tid, 102);
}

TEST(Judge, FindsFiltersThatTheProgramAdded) {
  ThreadState thread = as_started();
  thread.seccomp_filters = 3;
  ASSERT_EQ(judged(thread).size(), 1U);
  EXPECT_EQ(judged(thread)[0].id, "later-filter");
}

TEST(Judge, FindsAnotherAppArmorProfileOrMode) {
  Expectation expected = kExpected;
  expected.profile = "web-1";
  expected.profile_mode = "enforce";
  ThreadState thread = as_started();
  for (const char* same : {"web-1 (enforce)\n", "web-1//cat (enforce)",
                           "web-1//&other (enforce)\n"}) {
    thread.label = same;
    EXPECT_THAT(judged(thread, expected), IsEmpty()) << same;
  }
  for (const char* other :
       {"unconfined\n", "web-1 (complain)", "web-12 (enforce)",
        "docker-default (enforce)", ""}) {
    thread.label = other;
    const auto findings = judged(thread, expected);
    ASSERT_EQ(findings.size(), 1U) << other;
    EXPECT_EQ(findings[0].id, "apparmor");
    EXPECT_THAT(findings[0].message,
                HasSubstr("the bundle says web-1 (enforce)"));
  }
  EXPECT_THAT(judged(thread), IsEmpty()) << "where none is expected";
}

TEST(Judge, AnUnreadLabelIsUnknown) {
  Expectation expected = kExpected;
  EXPECT_EQ(unread_label(as_started(), expected), std::nullopt);
  expected.profile = "web-1";
  EXPECT_THAT(unread_label(as_started(), expected).value_or(""),
              HasSubstr("cannot be read"));
}

TEST(ThreadStatus, IsReadFromTheKernelsText) {
  const auto state = parse_status(
      "Name:\tweb "
      "server\nTgid:\t7\nPid:\t9\nPPid:\t5\nCapInh:\t0000000000000000\n"
      "CapPrm:\t000001ffffffffff\nCapEff:\t0000000000000400\n"
      "CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\n"
      "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->name, "web server");
  EXPECT_EQ(state->pid, 7);
  EXPECT_EQ(state->tid, 9);
  EXPECT_EQ(state->parent, 5);
  EXPECT_EQ(state->permitted, 0x1ffffffffffU);
  EXPECT_EQ(state->bounding, 0xa80425fbU);
  EXPECT_TRUE(state->no_new_privs);
  EXPECT_EQ(state->seccomp_filters, 3U);
}

TEST(ThreadStatus, SaysWhichLineIsMissingOrWrong) {
  const auto missing = parse_status("Name:\tx\nTgid:\t7\nPid:\t9\nPPid:\t1\n");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("CapInh"));
  const auto wrong = parse_status("Tgid:\tseven\nPid:\t9\n");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("Tgid"));
}

TEST(UnreadFilters, AreUnknownAndNotNone) {
  ThreadState thread = as_started();
  EXPECT_FALSE(unread_filters(thread, 1));
  EXPECT_THAT(unread_filters(thread, 0).value_or(""), HasSubstr("0 of its 1"));
  thread.seccomp_filters = 3;
  EXPECT_THAT(unread_filters(thread, 2).value_or(""), HasSubstr("2 of its 3"));
  EXPECT_FALSE(unread_filters(thread, 4)) << "it added one meanwhile";
  thread.seccomp_filters = 0;
  EXPECT_TRUE(unread_filters(thread, 0)) << "a mode without any filter";
  thread.seccomp_mode = 0;
  EXPECT_FALSE(unread_filters(thread, 0));
}

TEST(Unexplained, AreProcessesFromElsewhere) {
  ThreadState thread{.pid = 10, .tid = 11, .parent = 9};
  EXPECT_EQ(unexplained(std::span(&thread, 1), {}), 1U);
  EXPECT_EQ(unexplained(std::span(&thread, 1), {10}), 0U) << "a new thread";
  EXPECT_EQ(unexplained(std::span(&thread, 1), {9}), 0U) << "a new child";
  EXPECT_EQ(unexplained(std::span(&thread, 1), {8, 11}), 1U);
}

}  // namespace
}  // namespace vambrace::attest
