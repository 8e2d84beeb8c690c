#pragma once

#include <optional>
#include <string>

#include "review/changes.h"
#include "review/review.h"

namespace vambrace::review {

// For the comment of a pull request: what changed since the other review, or
// without one what there is. Names from outside cannot become markup.
std::string markdown(const Review& review, const std::optional<Changes>& since);

}  // namespace vambrace::review
