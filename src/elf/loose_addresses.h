#pragma once

#include <vector>

#include "elf/code.h"
#include "elf/image.h"
#include "elf/jump_tables.h"
#include "elf/sweep.h"

// Addresses of code that stand in data without a relocation that tells of them.
namespace vambrace::elf {

// Where events and data speak of tables.
JumpTables find_tables(const Image& image, const std::vector<Event>& events);

// In files with a fixed place: words that may be addresses of code, but those
// of tables that nothing but jumps speaks of. In all: what the tables of
// distances that data points to name. By place.
std::vector<Word> find_words(const Image& image,
                             const std::vector<Event>& events,
                             const JumpTables& tables);

}  // namespace vambrace::elf
