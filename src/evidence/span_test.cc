#include "evidence/span.h"

#include <gtest/gtest.h>

namespace vambrace::evidence {
namespace {

Instant at(int milliseconds) {
  return Instant(std::chrono::milliseconds(milliseconds));
}

Spans two() {
  return Spans({{"second", at(200), at(300)}, {"first", at(100), at(210)}});
}

TEST(Spans, NameWhatLiesInsideOneAlone) {
  EXPECT_EQ(two().around(at(120), at(150)), "first");
  EXPECT_EQ(two().around(at(211), at(300)), "second");
}

TEST(Spans, NeverGuessWhatTouchesTwo) {
  EXPECT_EQ(two().around(at(205), at(205)), kAcrossTests);
  EXPECT_EQ(two().around(at(150), at(250)), kAcrossTests);
}

TEST(Spans, NeverGuessWhatBeganBeforeOrEndedAfter) {
  EXPECT_EQ(two().around(at(50), at(150)), kAcrossTests);
  EXPECT_EQ(two().around(at(250), at(400)), kAcrossTests);
}

TEST(Spans, SayNothingOfWhatIsOutsideAll) {
  EXPECT_EQ(two().around(at(10), at(20)), "");
  EXPECT_EQ(two().around(at(301), at(301)), "");
  EXPECT_EQ(Spans().around(at(1), at(1)), "");
}

TEST(Spans, SeeALongOneBehindShortOnes) {
  const Spans spans({{"long", at(0), at(1000)},
                     {"a", at(10), at(20)},
                     {"b", at(30), at(40)}});
  EXPECT_EQ(spans.around(at(500), at(600)), "long");
  EXPECT_EQ(spans.around(at(15), at(16)), kAcrossTests);
}

}  // namespace
}  // namespace vambrace::evidence
