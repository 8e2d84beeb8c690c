#include <algorithm>

#include "elf/values.h"

namespace vambrace::elf {

const Choice* Choices::keep(Choice choice) {
  const auto tidy = [](auto& all) {
    std::ranges::sort(all);
    const auto same = std::ranges::unique(all);
    all.erase(same.begin(), same.end());
  };
  tidy(choice.constants);
  tidy(choice.origins);
  if ((choice.constants.empty() && choice.origins.empty()) ||
      choice.constants.size() > kMaxConstants ||
      choice.origins.size() > kMaxOrigins) {
    return nullptr;
  }
  return &*known_.insert(std::move(choice)).first;
}

const Choice* Choices::constant(std::uint64_t number) {
  const Choice*& known = constants_[number];
  if (known == nullptr) {
    known = keep({.constants = {number}});
  }
  return known;
}

}  // namespace vambrace::elf
