#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "review/changes.h"
#include "review/review.h"

namespace vambrace::review {

// The findings as SARIF 2.1.0, for what shows them beside code. Each lies in
// one of the bundle's files, in `folder` as the repository names it. With
// another review, its findings are "unchanged" and the others "new".
std::string sarif(const Review& review, const std::optional<Changes>& since,
                  std::string_view folder);

}  // namespace vambrace::review
