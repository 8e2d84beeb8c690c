#pragma once

#include <bit>
#include <cstdint>
#include <optional>

// Reading single instructions of aarch64: words of 32 bits, whose fields stand
// at fixed places (Arm Architecture Reference Manual for A-profile, DDI 0487,
// section C4.1 "A64 instruction set encoding"). Told are the few kinds that
// the analysis follows; of all others which registers they may write.
//
// No disassembler stands behind it, since that takes 30 times as long for what
// is a mask and a comparison here. words_test.cc holds it against one.
namespace vambrace::elf::aarch64 {

using Word = std::uint32_t;
// General registers by their number: bit 0 is x0, bit 30 is x30.
using RegisterSet = std::uint32_t;

constexpr unsigned kStackPointer = 31;  // or zero, as the instruction has it
constexpr unsigned kFramePointer = 29;
constexpr unsigned kLink = 30;
constexpr unsigned kNoRegister = 32;

// The set of one; of none for the stack pointer's number.
constexpr RegisterSet only(unsigned number) {
  return number < kStackPointer ? 1U << number : 0;
}

constexpr Word kNop = 0xd503201f;
constexpr Word kBtiC = 0xd503245f;

constexpr unsigned field(Word word, unsigned at, unsigned bits) {
  return word >> at & ((1U << bits) - 1);
}
constexpr std::int64_t signed_field(Word word, unsigned at, unsigned bits) {
  const auto raw = std::int64_t{field(word, at, bits)};
  return raw - ((raw >> (bits - 1)) << bits);
}

// The register that most instructions write, and those they mostly read.
constexpr unsigned rd_of(Word word) {
  return field(word, 0, 5);
}
constexpr unsigned rn_of(Word word) {
  return field(word, 5, 5);
}
constexpr unsigned rm_of(Word word) {
  return field(word, 16, 5);
}

// Whether it computes with 64 bits.
constexpr bool is_wide(Word word) {
  return word >> 31 != 0;
}

// What stands in the bits that tell the main groups apart.
constexpr unsigned group_of(Word word) {
  return field(word, 25, 4);
}
constexpr bool is_immediate_group(Word word) {
  return (group_of(word) & 0b1110) == 0b1000;
}
constexpr bool is_register_group(Word word) {
  return (group_of(word) & 0b0111) == 0b0101;
}
constexpr bool is_memory_group(Word word) {
  return (group_of(word) & 0b0101) == 0b0100;
}
// Reserved, and for no extension that programs use.
constexpr bool is_unallocated(Word word) {
  return group_of(word) == 0b0001 || group_of(word) == 0b0011 ||
         (group_of(word) == 0 && !is_wide(word));
}

// ADR, and ADRP, which means the page of 4 KiB.
constexpr bool is_adr(Word word) {
  return (word & 0x9f000000) == 0x10000000;
}
constexpr bool is_adrp(Word word) {
  return (word & 0x9f000000) == 0x90000000;
}
constexpr std::uint64_t adr_target(Word word, std::uint64_t at) {
  const std::int64_t distance =
      signed_field(word, 5, 19) * 4 + std::int64_t{field(word, 29, 2)};
  return is_adrp(word)
             ? (at & ~0xfffULL) + (static_cast<std::uint64_t>(distance) << 12)
             : at + static_cast<std::uint64_t>(distance);
}

// ADD, SUB and their flag-setting forms with an immediate.
constexpr bool is_add_immediate(Word word) {
  return (word & 0x1f800000) == 0x11000000;
}
constexpr bool sets_flags(Word word) {
  return (word >> 29 & 1) != 0;
}
// What is added: negative for SUB.
constexpr std::int64_t added_by(Word word) {
  const std::int64_t number = std::int64_t{field(word, 10, 12)}
                              << ((word >> 22 & 1) != 0 ? 12 : 0);
  return (word >> 30 & 1) != 0 ? -number : number;
}

// MOVN, MOVZ, MOVK.
constexpr bool is_move_wide(Word word) {
  return (word & 0x1f800000) == 0x12800000 && field(word, 29, 2) != 1;
}
constexpr bool keeps_rest(Word word) {
  return field(word, 29, 2) == 3;
}
// What the register holds after it; MOVK keeps the rest of `before`.
constexpr std::uint64_t moved_wide(Word word, std::uint64_t before) {
  const unsigned shift = field(word, 21, 2) * 16;
  const std::uint64_t part = std::uint64_t{field(word, 5, 16)} << shift;
  const std::uint64_t made = field(word, 29, 2) == 0 ? ~part
                             : field(word, 29, 2) == 2
                                 ? part
                                 : (before & ~(0xffffULL << shift)) | part;
  return is_wide(word) ? made : made & 0xffffffff;
}

// MOV of a register: ORR with the zero register.
constexpr bool is_move(Word word) {
  return (word & 0x7fe0ffe0) == 0x2a0003e0;
}

// CSEL, CSINC, CSINV, CSNEG.
constexpr bool is_select(Word word) {
  return (word & 0x3fe00800) == 0x1a800000;
}

// BLR and BR, with pointer authentication or without.
constexpr bool is_call_register(Word word) {
  return (word & 0xfefff000) == 0xd63f0000;
}
constexpr bool is_jump_register(Word word) {
  return (word & 0xfefff000) == 0xd61f0000;
}
constexpr bool is_call(Word word) {
  return (word & 0xfc000000) == 0x94000000;
}
constexpr bool is_jump(Word word) {
  return (word & 0xfc000000) == 0x14000000;
}

// A load or store of one register, or of two, over a base register.
struct Access {
  enum class Form : std::uint8_t {
    Offset,    // at the base plus `offset`
    Before,    // the same, which then is the base
    After,     // at the base, to which `offset` is added then
    Register,  // at the base plus another register
  };
  Form form = Form::Offset;
  bool load = false;
  bool vector = false;     // of a register for floating point or vectors
  bool with_sign = false;  // the highest bit fills up
  unsigned bytes = 0;      // of each register; 0: nothing is loaded
  unsigned base = 0;       // 31: the stack pointer
  std::int64_t offset = 0;
  unsigned first = kNoRegister, second = kNoRegister;  // 31: zero

  bool writes_base() const {
    return form == Form::Before || form == Form::After;
  }
  std::int64_t all_bytes() const {
    return std::int64_t{bytes} * (second == kNoRegister ? 1 : 2);
  }
};
std::optional<Access> access_of(Word word);

// LDR of what stands beside the code, and where.
constexpr bool is_literal(Word word) {
  return (word & 0x3b000000) == 0x18000000;
}
constexpr std::uint64_t literal_place(Word word, std::uint64_t at) {
  return at + static_cast<std::uint64_t>(signed_field(word, 5, 19) * 4);
}
// Whether it loads a general register: neither a vector nor nothing (PRFM).
constexpr bool loads_literal(Word word) {
  return is_literal(word) && (word >> 26 & 1) == 0 && field(word, 30, 2) != 3;
}

// The immediate of AND, ORR and EOR; nullopt: no instruction.
std::optional<std::uint64_t> bit_mask(Word word);

// The general registers that it writes for sure, and those that it may write
// at most; of instructions that are no calls. The stack pointer is in neither.
RegisterSet written_for_sure(Word word);
RegisterSet written_at_most(Word word);

}  // namespace vambrace::elf::aarch64
