#include "recorder/ebpf/ended.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::recorder::ebpf {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr Ended::Time kStart{milliseconds(1000)};

TEST(Ended, IsLookedAtOnceForTheFirstTime) {
  Ended ended;
  EXPECT_FALSE(ended.is_due(kStart));
  ended.add(1);
  EXPECT_TRUE(ended.is_due(kStart));
  EXPECT_THAT(ended.take(), ElementsAre(1U));
  ended.looked(kStart, kStart + milliseconds(30));
  EXPECT_FALSE(ended.is_due(kStart + milliseconds(1000)));
}

TEST(Ended, WaitsTenTimesAsLongAsTheLookTookIfItEndsAgain) {
  Ended ended;
  ended.add(1);
  ended.take();
  ended.looked(kStart, kStart + milliseconds(30));
  ended.add(1);
  EXPECT_FALSE(ended.is_due(kStart + milliseconds(329)));
  EXPECT_TRUE(ended.is_due(kStart + milliseconds(330)));
}

// Several containers that are removed together.
TEST(Ended, AnotherScopeDoesNotWaitAndTakesTheFirstAlong) {
  Ended ended;
  ended.add(1);
  ended.take();
  ended.looked(kStart, kStart + milliseconds(30));
  ended.add(1);
  ended.add(2);
  EXPECT_TRUE(ended.is_due(kStart + milliseconds(31)));
  EXPECT_THAT(ended.take(), ElementsAre(1U, 2U));
}

}  // namespace
}  // namespace vambrace::recorder::ebpf
