#pragma once

#include <string>
#include <vector>

#include "evidence/evidence.h"

namespace vambrace::evidence {

// The time in which something named, a test, may have run: it did not run
// outside. Spans of neighbors may overlap.
struct Span {
  std::string name;
  Instant from;
  Instant to;
  auto operator<=>(const Span&) const = default;
};

// The phase of what crosses the border of a span, or touches several.
constexpr std::string_view kAcrossTests = "across-tests";

// Which of many spans something happened in.
class Spans {
 public:
  Spans() = default;
  explicit Spans(std::vector<Span> spans);

  bool empty() const { return spans_.empty(); }
  const std::vector<Span>& all() const { return spans_; }

  // For what began and ended at these moments: the name of the one span that it
  // touches, if it lies wholly inside; kAcrossTests if it lies partly outside
  // or touches others, too; empty if it touches none.
  std::string_view around(Instant first, Instant last) const;

 private:
  std::vector<Span> spans_;          // by their beginning
  std::vector<Instant> latest_end_;  // of the spans up to each
};

}  // namespace vambrace::evidence
