#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "import/junit.h"

// What parses is placed inside the recording, or said to be lost; no test is
// dropped without a word, and no span runs backwards.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace imports = vambrace::imports;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto suites = imports::parse_junit(text);
  if (!suites) {
    return 0;
  }
  const vambrace::evidence::Instant start(std::chrono::hours(490'000));
  const imports::Recorded recorded{.start = start,
                                   .end = start + std::chrono::hours(24),
                                   .local_offset = std::chrono::seconds(3600)};
  const imports::Placed placed = imports::place_tests(*suites, recorded);
  std::size_t cases = 0;
  for (const imports::TestSuite& suite : *suites) {
    cases += suite.cases.size();
  }
  CHECK(placed.spans.size() <= cases);
  CHECK(placed.spans.size() == cases || !placed.lost.empty());
  for (const imports::Span& span : placed.spans) {
    CHECK(span.from <= span.to);
    CHECK(span.from + std::chrono::seconds(3) >= recorded.start);
  }
  return 0;
}
