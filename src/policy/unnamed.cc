#include "policy/unnamed.h"

#include <algorithm>

namespace vambrace::policy {

bool is_unnamed(std::string_view name) {
  constexpr std::size_t kMostDigits = 20;
  return name.size() >= 2 && name.size() <= 1 + kMostDigits &&
         name.front() == '#' &&
         std::ranges::all_of(name.substr(1), [](char byte) {
           return byte >= '0' && byte <= '9';
         });
}

}  // namespace vambrace::policy
