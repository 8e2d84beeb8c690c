#include "policy/apparmor/shape_index.h"

namespace vambrace::policy::apparmor {

ShapeIndex::ShapeIndex(std::vector<const Shape*> shapes)
    : shapes_(std::move(shapes)) {
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    std::string start = fixed_start(shapes_[i]->pieces);
    lengths_.insert(start.size());
    by_start_[std::move(start)].push_back(i);
  }
}

std::optional<std::size_t> ShapeIndex::first_that_matches(
    std::string_view name) const {
  std::optional<std::size_t> first;
  for (const std::size_t length : lengths_) {
    if (length > name.size()) {
      break;
    }
    const auto found = by_start_.find(std::string(name.substr(0, length)));
    if (found == by_start_.end()) {
      continue;
    }
    for (const std::size_t at : found->second) {
      if ((!first || at < *first) && matches(shapes_[at]->pieces, name)) {
        first = at;
        break;
      }
    }
  }
  return first;
}

}  // namespace vambrace::policy::apparmor
