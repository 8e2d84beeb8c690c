#include "elf/far_addresses.h"

#include <algorithm>

namespace vambrace::elf {

FarAddresses::FarAddresses(const Image& image) : image_(image) {
  for (const Segment& segment : image.segments) {
    span_ = std::max(span_,
                     segment.memory.end - image.segments.front().memory.begin);
  }
}

void FarAddresses::begin(const Range& region) {
  end_region();
  region_ = region;
}

void FarAddresses::add_number(std::uint64_t number, std::uint64_t at) {
  const bool near = number < span_ || 0 - number < span_;
  if (near && number != 0) {
    numbers_.push_back({at, number});
  }
}

// Where the table would be by an address of the region's own instructions and
// each number of the region; or what else it forms the address of.
void FarAddresses::end_region() {
  if (first_ < numbers_.size()) {
    std::ranges::sort(formed_);
    const auto same = std::ranges::unique(formed_);
    formed_.erase(same.begin(), same.end());
    for (const std::uint64_t formed : formed_) {
      add_tables(formed);
    }
  }
  first_ = numbers_.size();
  formed_.clear();
}

void FarAddresses::add_tables(std::uint64_t formed) {
  std::vector<std::uint64_t> tables;
  const auto add = [&](std::uint64_t table) {
    if (image_.in_memory(table) && !image_.is_code(table)) {
      tables.push_back(table);
    }
  };
  add(formed);
  for (std::size_t i = first_;
       region_.holds(formed) && i < numbers_.size() && left_ > 0; ++i) {
    --left_;
    add(formed + numbers_[i].distance);
  }
  std::ranges::sort(tables);
  const auto same = std::ranges::unique(tables);
  tables_.insert(tables_.end(), tables.begin(), same.begin());
}

// All code of a file measures from the same place: the one that most
// tell of. The dynamic section may tell it, too.
std::vector<std::uint64_t> FarAddresses::find_tables() const {
  std::vector<std::uint64_t> sorted = tables_;
  std::ranges::sort(sorted);
  std::vector<std::uint64_t> most;
  std::ptrdiff_t times = 0;
  for (auto at = sorted.begin(); at != sorted.end();) {
    const auto next = std::ranges::find_if(
        at, sorted.end(), [&](std::uint64_t other) { return other != *at; });
    if (next - at > times) {
      times = next - at;
      most.clear();
    }
    if (next - at == times) {
      most.push_back(*at);
    }
    at = next;
  }
  const std::uint64_t told = image_.linkage_table;
  if (told != 0 && (most.empty() || std::ranges::binary_search(most, told))) {
    return {told};
  }
  if (told != 0) {
    most.push_back(told);
  }
  return most;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> FarAddresses::find() {
  end_region();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
  if (numbers_.empty()) {
    return found;
  }
  for (const std::uint64_t table : find_tables()) {
    for (const Number& number : numbers_) {
      if (left_ == 0) {
        break;
      }
      --left_;
      const std::uint64_t target = table + number.distance;
      if (image_.in_memory(target)) {
        found.emplace_back(number.at, target);
      }
    }
  }
  return found;
}

}  // namespace vambrace::elf
