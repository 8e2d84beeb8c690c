#include "evidence/span.h"

#include <algorithm>

namespace vambrace::evidence {

Spans::Spans(std::vector<Span> spans) : spans_(std::move(spans)) {
  std::ranges::sort(spans_, {}, &Span::from);
  latest_end_.reserve(spans_.size());
  for (const Span& span : spans_) {
    latest_end_.push_back(
        latest_end_.empty() ? span.to : std::max(latest_end_.back(), span.to));
  }
}

std::string_view Spans::around(Instant first, Instant last) const {
  const auto later = std::ranges::upper_bound(spans_, last, {}, &Span::from);
  const Span* only = nullptr;
  for (auto at = static_cast<std::size_t>(later - spans_.begin());
       at > 0 && latest_end_[at - 1] >= first; --at) {
    const Span& span = spans_[at - 1];
    if (span.to < first) {
      continue;
    }
    if (only != nullptr) {
      return kAcrossTests;
    }
    only = &span;
  }
  if (only == nullptr) {
    return {};
  }
  return only->from <= first && last <= only->to ? std::string_view(only->name)
                                                 : kAcrossTests;
}

}  // namespace vambrace::evidence
