#include "recorder/ebpf/gaps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::recorder::ebpf {
namespace {

TEST(GapsTest, MemoryUnreadForTheDriverIsNoGapOfTheWorkload) {
  Raw raw;
  raw.scopes.resize(2);
  raw.counters.user_reads_failed = 3;
  raw.scopes[0].reads_failed = 3;
  EXPECT_TRUE(gaps_of(raw, 1).empty());
  raw.scopes[1].reads_failed = 1;
  ASSERT_EQ(gaps_of(raw, 1).size(), 1U);
  EXPECT_EQ(gaps_of(raw, 1).front().kind, "read_failed");
  EXPECT_EQ(gaps_of(raw, 1).front().detail, "1 reads of user memory");
}

TEST(GapsTest, WithoutItsScopeEveryUnreadMemoryIsAGap) {
  Raw raw;
  raw.counters.user_reads_failed = 3;
  ASSERT_EQ(gaps_of(raw, 1).size(), 1U);
}

TEST(GapsTest, NamesThatLeadThroughProcAreAGapOfTheirScope) {
  Raw raw;
  raw.elsewhere[1] = 2;
  EXPECT_TRUE(gaps_of(raw, 0).empty());
  ASSERT_EQ(gaps_of(raw, 1).size(), 1U);
  EXPECT_EQ(gaps_of(raw, 1).front().kind, "links_unfollowed");
}

TEST(SlotTest, CallsThatAreLookedAtCountWithoutTheirMark) {
  Raw raw;
  raw.scopes.resize(1);
  vmb_slot slot{};
  slot.image = 1;
  slot.cells[5].count = 7;
  slot.cells[6].count = VMB_CELL_LOOK | 9;
  slot.cells[7].count = VMB_CELL_LOOK;  // due to be flushed
  add_slot(raw, slot, 0, 4'000'000);
  ASSERT_EQ(raw.facts.size(), 3U);
  EXPECT_EQ(raw.facts[0].second.count, 7U);
  EXPECT_EQ(raw.facts[1].second.count, 9U);
  EXPECT_EQ(raw.facts[2].second.count, 0x80000000U);
}

TEST(SlotTest, ACallThatNeverReadItsMemoryIsUnread) {
  Raw raw;
  raw.scopes.resize(2);
  vmb_slot slot{};
  slot.scope = 1;
  slot.pending = VMB_PENDING_UNREAD | 1;
  add_slot(raw, slot, 0, 4'000'000);
  EXPECT_EQ(raw.counters.user_reads_failed, 1U);
  EXPECT_EQ(raw.scopes[1].reads_failed, 1U);
}

}  // namespace
}  // namespace vambrace::recorder::ebpf
