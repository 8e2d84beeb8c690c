#pragma once

#include <cstdint>
#include <vector>

#include "elf/image.h"

namespace vambrace::elf::aarch64 {

// A table of distances that a block looks something up in; if it ends in a
// jump, that goes as far from `base` as one of them says.
struct JumpTable {
  std::uint64_t table = 0;
  unsigned bytes = 0;      // of a distance
  std::uint64_t base = 0;  // 0: the table itself
};

// Where it may lead: gcc has distances in instructions, with a sign, clang
// either such without a sign or some in bytes. How many there are is not told.
std::vector<std::uint64_t> jump_targets(const Image& image,
                                        const JumpTable& table);

}  // namespace vambrace::elf::aarch64
