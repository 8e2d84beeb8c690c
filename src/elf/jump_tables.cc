#include "elf/jump_tables.h"

#include <algorithm>
#include <optional>

namespace vambrace::elf {
namespace {

void sort_once(std::vector<std::uint64_t>& places) {
  std::ranges::sort(places);
  const auto same = std::ranges::unique(places);
  places.erase(same.begin(), same.end());
}

// What entry `index` of a table says; nullopt: no address of code.
template <class Word>
std::optional<std::uint64_t> distance(const Image& image, std::uint64_t table,
                                      std::size_t index) {
  const auto word = read_at<Word>(image.from(table), index * sizeof(Word));
  if (!word) {
    return std::nullopt;
  }
  const std::uint64_t target =
      table + static_cast<std::uint64_t>(std::int64_t{*word});
  return image.is_code(target) ? std::optional(target) : std::nullopt;
}

std::optional<std::uint64_t> address(const Image& image, std::uint64_t table,
                                     std::size_t index) {
  const auto target =
      read_at<std::uint64_t>(image.from(table), index * sizeof(std::uint64_t));
  return target && image.is_code(*target) ? target : std::nullopt;
}

}  // namespace

JumpTables::JumpTables(const Image& image, std::vector<std::uint64_t> places,
                       std::vector<std::uint64_t> far,
                       std::vector<std::uint64_t> jumps) {
  const auto read = [&image](std::vector<std::uint64_t>& tables, auto entry,
                             std::size_t bytes, Kind& kind) {
    std::erase_if(tables,
                  [&](std::uint64_t table) { return !entry(image, table, 0); });
    sort_once(tables);
    for (std::size_t i = 0; i < tables.size(); ++i) {
      const std::uint64_t table = tables[i];
      const std::uint64_t room =
          i + 1 < tables.size() ? tables[i + 1] - table : ~std::uint64_t{0};
      const std::size_t first = kind.targets.size();
      for (std::size_t index = 0; index * bytes < room; ++index) {
        const auto target = entry(image, table, index);
        if (!target) {
          break;
        }
        kind.targets.push_back(*target);
      }
      kind.tables.emplace(table, std::pair(first, kind.targets.size() - first));
    }
  };
  read(places, distance<std::int32_t>, sizeof(std::int32_t), distances_);
  read(far, distance<std::int64_t>, sizeof(std::int64_t), far_distances_);
  read(jumps, address, sizeof(std::uint64_t), addresses_);
}

std::span<const std::uint64_t> JumpTables::Kind::at(std::uint64_t table) const {
  const auto found = tables.find(table);
  return found == tables.end() ? std::span<const std::uint64_t>()
                               : std::span(targets).subspan(
                                     found->second.first, found->second.second);
}

std::span<const std::uint64_t> JumpTables::distances_at(
    std::uint64_t table) const {
  return distances_.at(table);
}

std::span<const std::uint64_t> JumpTables::far_distances_at(
    std::uint64_t table) const {
  return far_distances_.at(table);
}

std::span<const std::uint64_t> JumpTables::addresses_at(
    std::uint64_t table) const {
  return addresses_.at(table);
}

}  // namespace vambrace::elf
