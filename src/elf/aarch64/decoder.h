#pragma once

#include "elf/aarch64/words.h"
#include "elf/instruction.h"

namespace vambrace::elf::aarch64 {

// Where an instruction leads. No places in memory: these take several
// instructions (mentions.h).
Instruction read_word(Word word, std::uint64_t at);

}  // namespace vambrace::elf::aarch64
