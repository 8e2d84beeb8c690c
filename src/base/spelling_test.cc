#include "base/spelling.h"

#include <gtest/gtest.h>

#include <vector>

namespace vambrace {
namespace {

const std::vector<std::string> kNames = {"record", "replay", "run", "synth"};

TEST(Spelling, CountsASwapOfNeighborsAsOne) {
  EXPECT_EQ(spelling_distance("recrod", "record"), 1U);
  EXPECT_EQ(spelling_distance("", "run"), 3U);
  EXPECT_EQ(spelling_distance("same", "same"), 0U);
}

TEST(Spelling, OffersTheNearestName) {
  EXPECT_EQ(nearest_spelling("recrod", kNames), "record");
  EXPECT_EQ(nearest_spelling("sinth", kNames), "synth");
  EXPECT_EQ(nearest_spelling("rn", kNames), "run");
}

TEST(Spelling, OffersNothingForAnotherWord) {
  EXPECT_EQ(nearest_spelling("promote", kNames), std::nullopt);
  EXPECT_EQ(nearest_spelling("", kNames), std::nullopt);
  EXPECT_EQ(nearest_spelling(std::string(100'000, 'r'), kNames), std::nullopt);
}

}  // namespace
}  // namespace vambrace
