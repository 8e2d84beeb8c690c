#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "elf/code.h"
#include "elf/image.h"

// The data of one file, cut into cells: what a function may get hold of when it
// speaks of an address.
//
// Pointers to functions stand in tables. If all of them counted as soon as a
// file is loaded, each program could do whatever any table of the C library
// leads to. A table counts when code that may run speaks of it, or data that
// such code speaks of points to it. Where a variable ends is not told in files
// without symbols; a cell reaches from one place that is spoken of as an
// address to the next.
namespace vambrace::elf {

struct DataCells {
  std::vector<std::uint64_t>
      begins;  // sorted; a cell ends where the next begins
  std::optional<std::uint32_t> cell_at(std::uint64_t address) const;
};

DataCells find_cells(const Image& image, const Code& code);

}  // namespace vambrace::elf
