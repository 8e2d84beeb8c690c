#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evidence/evidence.h"
#include "evidence/span.h"

// The JUnit XML report of a test suite, and when each of its tests may have
// run.
//
// A report says when a suite began and how long each test took, in the order of
// the tests. What the runner did in between (collecting, fixtures, reporting)
// is in no test, and the report tells only how much of it there was in all: the
// time of the suite less that of its tests. So a test begins after the tests
// before it, and at the latest that much later. These are the spans below; two
// neighbors overlap by it. Nothing is guessed inside.
namespace vambrace::imports {

struct TestCase {
  std::string name;  // "class.name"
  std::chrono::microseconds time{};
  std::string timestamp;  // of its own; few runners write it
};

struct TestSuite {
  std::string name;
  std::string timestamp;
  std::optional<std::chrono::microseconds> time;
  std::vector<TestCase> cases;
};

// InvalidInput, with line and column, for what is not a report, or is larger,
// deeper or longer than any report.
Result<std::vector<TestSuite>> parse_junit(std::string_view xml);

using evidence::Span;

// A recording's time, and what the suites' clocks may mean.
struct Recorded {
  evidence::Instant start;
  evidence::Instant end;
  // Local time less UTC. Many runners write local time and no offset, others
  // UTC and no offset: the reading that lies within the recording is taken.
  std::chrono::seconds local_offset{};
};

struct Placed {
  std::vector<Span> spans;        // by time
  std::vector<std::string> lost;  // a sentence each: what could not be placed
};
Placed place_tests(const std::vector<TestSuite>& suites,
                   const Recorded& recorded);

}  // namespace vambrace::imports
