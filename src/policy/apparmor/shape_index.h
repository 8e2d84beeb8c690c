#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/apparmor/shape.h"

namespace vambrace::policy::apparmor {

// Which of many shapes matches a name. Those that begin with the same fixed
// bytes are found by these, so that a directory with thousands of groups does
// not compare each name with each of them. The shapes must outlive it.
class ShapeIndex {
 public:
  explicit ShapeIndex(std::vector<const Shape*> shapes);

  // The first one's place; nullopt: none does.
  std::optional<std::size_t> first_that_matches(std::string_view name) const;

 private:
  std::vector<const Shape*> shapes_;
  std::set<std::size_t> lengths_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_start_;
};

}  // namespace vambrace::policy::apparmor
