#include "recorder/ebpf/settle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recorder/ebpf/gaps.h"

namespace vambrace::recorder::ebpf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint32_t kEperm = 1;

// What one program with the number 1 did, in scope 1.
struct Seen {
  Seen() {
    raw.scopes.resize(2);
    raw.images.resize(2);
    raw.images[1].key.scope = 1;
    raw.images[1].flags = VMB_IMAGE_READY;
    raw.build_ids[1] = "";
  }
  void made(std::uint32_t nr, std::uint64_t count, std::uint32_t phase = 0) {
    raw.facts.push_back({{1, phase, 0, nr}, {count, 0, 0}});
  }
  void failed(std::uint32_t nr, std::uint32_t how, std::uint64_t count) {
    raw.errnos.push_back({{1, 0, nr, kEperm, how}, {count, 0, 0}});
  }
  // As the kernel side does: the failure is counted twice.
  void failed_unsurely(std::uint32_t nr, std::uint64_t count) {
    made(nr, count);
    failed(nr, 0, count);
    failed(nr, VMB_UNSURE, count);
  }
  std::vector<std::string> details() {
    std::vector<std::string> found;
    for (const auto& gap : gaps_of(raw, 1)) {
      EXPECT_EQ(gap.kind, "refusals_unsure");
      found.push_back(gap.detail);
    }
    return found;
  }
  Raw raw;
};

TEST(SettleTest, ACallThatATaskIsStillInCounts) {
  Seen seen;
  seen.made(34, 0);  // pause
  settle(seen.raw);
  ASSERT_EQ(seen.raw.facts.size(), 1U);
  EXPECT_EQ(seen.raw.facts[0].second.count, 1U);
}

TEST(SettleTest, ARowThatSomethingElseCountsStaysAsItIs) {
  Seen seen;
  seen.made(0, 0);
  seen.made(0, 7);
  seen.made(0, 0, 1);  // in another phase nothing else does
  settle(seen.raw);
  EXPECT_EQ(seen.raw.facts[0].second.count, 0U);
  EXPECT_EQ(seen.raw.facts[1].second.count, 7U);
  EXPECT_EQ(seen.raw.facts[2].second.count, 1U);
}

TEST(SettleTest, AFailureIsNoQuestionForACallThatWasMade) {
  Seen seen;
  seen.failed_unsurely(257, 2);
  seen.made(257, 1);
  settle(seen.raw);
  EXPECT_THAT(seen.raw.unsure, IsEmpty());
  ASSERT_EQ(seen.raw.errnos.size(), 1U);
  EXPECT_EQ(seen.raw.errnos[0].first.denied, 0U);
  EXPECT_EQ(seen.raw.facts.size(), 2U);
}

// The filter may look at arguments.
TEST(SettleTest, ARefusalAtAnotherTimeDoesNotSayWhatThisFailureWas) {
  Seen seen;
  seen.failed_unsurely(16, 1);
  seen.failed(16, VMB_REFUSED, 5);
  settle(seen.raw);
  ASSERT_EQ(seen.raw.facts.size(), 1U);
  ASSERT_EQ(seen.raw.errnos.size(), 2U);
  EXPECT_EQ(seen.raw.errnos[0].first.denied, 0U);
  EXPECT_THAT(seen.details(), SizeIs(1));
}

TEST(SettleTest, WithoutAnyOtherWordTheCallIsToldAsMadeAndTheGapNamesIt) {
  Seen seen;
  seen.failed_unsurely(101, 1);
  settle(seen.raw);
  ASSERT_EQ(seen.raw.facts.size(), 1U);
  EXPECT_EQ(seen.raw.errnos.size(), 1U);
  EXPECT_THAT(seen.details(),
              ElementsAre("ptrace of / failed, and nobody knows if a filter "
                          "refused it"));
  EXPECT_THAT(gaps_of(seen.raw, 0), IsEmpty());
}

}  // namespace
}  // namespace vambrace::recorder::ebpf
