#pragma once

#include <string>
#include <string_view>

#include "review/review.h"

namespace vambrace::review {

constexpr std::string_view kSchema = "vambrace.review/v1";

// Canonical JSON: equal reviews, equal bytes. docs/formats/review.md.
std::string print_review(const Review& review);

}  // namespace vambrace::review
