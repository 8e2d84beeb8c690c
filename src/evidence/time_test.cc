#include "evidence/time.h"

#include <gtest/gtest.h>

#include "evidence/generated.h"

namespace vambrace::evidence {
namespace {

TEST(Time, IsWrittenInUtcWithMicroseconds) {
  EXPECT_EQ(format_time(Instant{}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(
      format_time(Instant(std::chrono::microseconds(951'827'696'000'250))),
      "2000-02-29T12:34:56.000250Z");
}

TEST(Time, RoundTrips) {
  rc::check([] {
    const Instant instant = generated::instant();
    RC_ASSERT(parse_time(format_time(instant)) == instant);
  });
}

TEST(Time, IsCutToFourDigitYears) {
  EXPECT_EQ(format_time(Instant::max()), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_time(Instant::min()), "0000-01-01T00:00:00.000000Z");
}

TEST(Time, RefusesOtherForms) {
  for (const char* text :
       {"", "2000-02-30T00:00:00.000000Z", "2000-01-01T24:00:00.000000Z",
        "2000-01-01T00:00:60.000000Z", "2000-01-01T00:00:00Z",
        "2000-01-01 00:00:00.000000Z", "2000-01-01T00:00:00.000000+",
        "+000-01-01T00:00:00.000000Z", "2000-01-01T00:00:00.0000000"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace vambrace::evidence
