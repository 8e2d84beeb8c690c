#include "elf/data.h"

#include <algorithm>
#include <map>

namespace vambrace::elf {

std::optional<std::uint32_t> DataCells::cell_at(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(begins, address);
  if (after == begins.begin()) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(after - begins.begin() - 1);
}

namespace {

// What stands inside of one variable begins no other.
void join(std::vector<std::uint64_t>& begins, std::vector<Range> whole) {
  std::ranges::sort(whole);
  std::uint64_t end = 0;
  auto next = whole.begin();
  std::erase_if(begins, [&](std::uint64_t address) {
    for (; next != whole.end() && next->begin < address; ++next) {
      end = std::max(end, next->end);
    }
    return address < end;
  });
}

}  // namespace

DataCells find_cells(const Image& image, const Code& code) {
  DataCells cells;
  const auto add = [&](std::uint64_t address) {
    if (!image.is_code(address)) {
      cells.begins.push_back(address);
    }
  };
  for (const Segment& segment : image.segments) {
    add(segment.memory.begin);
  }
  for (const Edge& edge : code.edges) {
    if (edge.kind == Edge::Kind::Address) {
      add(edge.target);
    }
  }
  for (const Pointer& pointer : image.pointers) {
    if (pointer.kind == Pointer::Kind::Own) {
      add(pointer.target);
    }
  }
  // Of several names for one variable the largest tells where it ends: old
  // versions of a table may be shorter.
  std::map<std::uint64_t, std::uint64_t> ends;
  for (const auto* symbols : {&image.symbols, &image.local_symbols}) {
    for (const Symbol& symbol : *symbols) {
      if (symbol.defined && symbol.object) {
        add(symbol.address);
        std::uint64_t& end = ends[symbol.address];
        end = std::max(end, symbol.address + symbol.size);
      }
    }
  }
  std::vector<Range> whole = image.linker_sets;
  for (const Range& set : image.linker_sets) {
    add(set.begin);
    add(set.end);
  }
  for (const auto& [begin, end] : ends) {
    if (end > begin) {
      add(end);
      whole.push_back({begin, end});
    }
  }
  std::ranges::sort(cells.begins);
  const auto same = std::ranges::unique(cells.begins);
  cells.begins.erase(same.begin(), same.end());
  join(cells.begins, std::move(whole));
  return cells;
}

}  // namespace vambrace::elf
