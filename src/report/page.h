#pragma once

#include <string>
#include <string_view>

#include "review/review.h"

namespace vambrace::report {

// The review as one HTML file that needs no other and asks no network for
// anything: its policy allows its own style and script alone, by their hashes.
//
// Readable without the script, which adds search, filters and the collecting of
// decisions. Holds the review's JSON in the script element `review`. `bundle`
// is the folder as the user named it, for the commands that the page composes.
//
// Names in the review may be anything; none becomes markup.
std::string review_page(const review::Review& review, std::string_view bundle);

}  // namespace vambrace::report
