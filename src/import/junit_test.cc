#include "import/junit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evidence/time.h"

namespace vambrace::imports {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

evidence::Instant at(std::string_view time) {
  return *evidence::parse_time(std::string(time) + ".000000Z");
}

Recorded morning(seconds local_offset = seconds(0)) {
  return {.start = at("2026-01-31T09:00:00"),
          .end = at("2026-01-31T09:10:00"),
          .local_offset = local_offset};
}

// Two tests of 1 s and 2 s in a suite of `time`.
std::string report(const std::string& timestamp, const std::string& time) {
  return "<?xml version=\"1.0\"?><testsuites><testsuite name=\"s\" "
         "timestamp=\"" +
         timestamp + "\" time=\"" + time +
         "\"><testcase classname=\"a.B\" name=\"one\" time=\"1.0\"/>"
         "<testcase classname=\"a.B\" name=\"two\" time=\"2\">"
         "<failure message=\"x\">text</failure></testcase>"
         "</testsuite></testsuites>";
}

Placed placed(const std::string& xml, const Recorded& recorded = morning()) {
  return place_tests(parse_junit(xml).value(), recorded);
}

TEST(Junit, PlacesTestsOneAfterTheOtherGiveOrTakeTheTimeBetween) {
  const Placed tests = placed(report("2026-01-31T09:01:00.000000Z", "3.5"));
  const auto start = at("2026-01-31T09:01:00");
  const auto tick = std::chrono::microseconds(1);
  EXPECT_THAT(tests.lost, IsEmpty());
  EXPECT_THAT(
      tests.spans,
      ElementsAre(Span{"a.B.one", start, start + milliseconds(1500) + tick},
                  Span{"a.B.two", start + seconds(1),
                       start + milliseconds(3500) + tick}));
}

TEST(Junit, KnowsThatWholeSecondsAreCutOff) {
  const Placed tests = placed(report("2026-01-31T09:01:00Z", "3"));
  ASSERT_THAT(tests.spans, SizeIs(2));
  EXPECT_EQ(tests.spans[0].to - tests.spans[0].from, seconds(2));
}

TEST(Junit, ReadsATimeWithoutOffsetAsTheRecordingSays) {
  const auto start = at("2026-01-31T09:01:00");
  for (const std::string time :
       {"2026-01-31T09:01:00.0", "2026-01-31T11:01:00.0",
        "2026-01-31T14:01:00.0+05:00", "2026-01-31T04:01:00.0-0500"}) {
    const Placed tests = placed(report(time, "3"), morning(seconds(7200)));
    ASSERT_THAT(tests.spans, SizeIs(2)) << time;
    EXPECT_EQ(tests.spans[0].from, start) << time;
  }
}

TEST(Junit, PlacesNothingWhenBothReadingsFit) {
  Recorded day = morning(seconds(7200));
  day.end = at("2026-01-31T15:00:00");
  const Placed tests = placed(report("2026-01-31T12:01:00", "3"), day);
  EXPECT_THAT(tests.spans, IsEmpty());
  EXPECT_THAT(tests.lost, ElementsAre(HasSubstr("2 tests of suite \"s\"")));
}

TEST(Junit, PlacesNothingOfAnotherRun) {
  const Placed tests = placed(report("2026-01-30T09:01:00Z", "3"));
  EXPECT_THAT(tests.spans, IsEmpty());
  EXPECT_THAT(tests.lost, SizeIs(1));
}

TEST(Junit, GivesTestsThatRanSideBySideTheWholeSuite) {
  const Placed tests = placed(report("2026-01-31T09:01:00.000000Z", "2"));
  ASSERT_THAT(tests.spans, SizeIs(2));
  EXPECT_EQ(tests.spans[0].from, tests.spans[1].from);
  EXPECT_EQ(tests.spans[0].to, tests.spans[1].to);
}

TEST(Junit, TakesATestsOwnTimeWhereItHasOne) {
  const Placed tests = placed(
      "<testsuite name=\"s\"><testcase name=\"t\" time=\"0.5\" "
      "timestamp=\"2026-01-31T09:01:00.250Z\"/></testsuite>");
  const auto start = at("2026-01-31T09:01:00") + milliseconds(250);
  EXPECT_THAT(tests.spans,
              ElementsAre(Span{"s.t", start, start + milliseconds(501)}));
}

TEST(Junit, SaysWhyASuiteWithoutATimeIsNotPlaced) {
  const Placed tests = placed(
      "<testsuite name=\"s\"><testcase name=\"t\" time=\"1\"/></testsuite>");
  EXPECT_THAT(tests.lost, ElementsAre(HasSubstr("says not when it ran")));
}

std::string refused(const std::string& xml) {
  const auto suites = parse_junit(xml);
  return suites ? "" : suites.error().message();
}

TEST(Junit, RefusesWhatIsNoReport) {
  EXPECT_THAT(refused(""), HasSubstr("line 1"));
  EXPECT_THAT(refused("<html/>"), HasSubstr("not the root of a JUnit report"));
  EXPECT_THAT(refused("<testsuite>\n<testcase"), HasSubstr("line 2"));
  EXPECT_THAT(refused("<testsuites><testcase/></testsuites>"),
              HasSubstr("outside any suite"));
  EXPECT_THAT(refused(report("2026-01-31T09:01:00Z", "-1")),
              HasSubstr("no duration"));
  EXPECT_THAT(refused(report("2026-01-31T09:01:00Z", "nan")),
              HasSubstr("no duration"));
}

TEST(Junit, RefusesADocumentTypeAndItsEntities) {
  EXPECT_THAT(refused("<!DOCTYPE a [<!ENTITY x \"y\"><!ENTITY z "
                      "\"&x;&x;&x;\">]><testsuite name=\"&z;\"/>"),
              HasSubstr("document type"));
  EXPECT_THAT(refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"),
              HasSubstr("document type"));
}

TEST(Junit, RefusesDepthWithoutEnd) {
  std::string xml;
  for (int i = 0; i < 100'000; ++i) {
    xml += "<testsuite>";
  }
  EXPECT_THAT(refused(xml), HasSubstr("nested deeper"));
}

}  // namespace
}  // namespace vambrace::imports
