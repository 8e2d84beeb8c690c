#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "elf/bytes.h"
#include "elf/instruction.h"

// The instructions that make up nearly all code, told without a disassembler.
namespace vambrace::elf {

// As the decoder of a file without absolute addresses tells it
// (Decoder::decode); nullopt for whatever is not common: another prefix than a
// narrower operand's and REX, vectors but for their moves, rare forms, and what
// goes past the end of `code`. What it answers is what the disassembler would,
// which x86_64/common_test.cc compares for each opcode, and a fuzz target for
// any bytes.
//
// Most instructions of a file are only looked through for addresses and calls:
// their length and what is relative to them is all that counts, and the whole
// of an instruction takes ten times as long to tell.
std::optional<Instruction> decode_common(ByteView code, std::uint64_t address);

// Told by the disassembler alone, to compare with.
std::unique_ptr<Decoder> make_zydis_decoder();

}  // namespace vambrace::elf
