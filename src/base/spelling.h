#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vambrace {

// How many single letters must be inserted, removed, replaced or swapped with
// their neighbor to make `a` of `b` (optimal string alignment).
std::size_t spelling_distance(std::string_view a, std::string_view b);

// The candidate a person most likely meant: the nearest one, if at most a third
// of its letters are wrong (one in words of up to five). The first of equals.
std::optional<std::string> nearest_spelling(
    std::string_view word, std::span<const std::string> candidates);

}  // namespace vambrace
