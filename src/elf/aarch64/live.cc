#include "elf/aarch64/live.h"

#include <algorithm>

#include "elf/aarch64/decoder.h"

namespace vambrace::elf::aarch64 {
namespace {

using Kind = Instruction::Kind;

constexpr RegisterSet kAll = ~0U;
constexpr unsigned kMaxLivePasses = 100;
constexpr RegisterSet kKeptByCalls = 0x3ff80000;  // x19 to x29

}  // namespace

RegisterSet taken_further(Word word) {
  if (is_add_immediate(word)) {
    return is_wide(word) && !sets_flags(word) ? only(rn_of(word)) : 0;
  }
  if (is_move_wide(word)) {
    return keeps_rest(word) ? only(rd_of(word)) : 0;
  }
  if (is_move(word)) {
    return is_wide(word) ? only(rm_of(word)) : 0;
  }
  if (is_select(word)) {
    return only(rn_of(word)) | only(rm_of(word));
  }
  if (is_jump_register(word) || is_call_register(word)) {
    return only(rn_of(word));
  }
  if (!is_memory_group(word) || is_literal(word)) {
    return 0;
  }
  const auto access = access_of(word);
  if (!access) {
    return only(rn_of(word));
  }
  const bool kept = !access->load && !access->vector && access->bytes == 8;
  return only(access->base) |
         (kept ? only(access->first) | only(access->second) : 0);
}

Live::Live(Pieces& pieces) : pieces_(pieces) {
  for (const Piece& piece : pieces_.all()) {
    live_.emplace_back(piece.count, kAll);
    for (std::uint64_t i = 0; i < piece.count; ++i) {
      if (piece.begins[i]) {
        live_.back()[i] = 0;
      }
    }
  }
  functions_.resize(pieces_.functions());
  unsigned passes = 0;
  do {
    changed_ = false;
    for (std::size_t i = pieces_.all().size(); i-- > 0;) {
      pass(i);
    }
  } while (changed_ && ++passes < kMaxLivePasses);
  if (changed_) {  // all of them, then
    for (std::vector<RegisterSet>& piece : live_) {
      std::ranges::fill(piece, kAll);
    }
  }
}

RegisterSet Live::at(std::uint64_t address) const {
  const Piece* piece = pieces_.at(address);
  return piece == nullptr
             ? 0
             : live_[static_cast<std::size_t>(piece - pieces_.all().data())]
                    [piece->index_of(address)];
}

void Live::pass(std::size_t number) {
  const Piece& piece = pieces_.all()[number];
  RegisterSet live = 0;
  Range function;
  std::size_t at_function = 0;
  for (std::uint64_t i = piece.count; i-- > 0;) {
    const std::uint64_t address = piece.address(i);
    if (!function.holds(address)) {
      function = pieces_.function_around(address);
      at_function = pieces_.function_number(address);
    }
    Anywhere& anywhere = functions_[at_function];
    live = before(piece, i, live, anywhere);
    anywhere.blocks |= live;
    if (!piece.begins[i]) {
      continue;
    }
    RegisterSet& known = live_[number][i];
    if ((live & ~known) != 0) {
      known |= live;
      changed_ = true;
    }
    anywhere.orphans |= piece.orphans[i] ? live : 0;
  }
}

// What matters before an instruction, by what does behind it.
RegisterSet Live::before(const Piece& piece, std::uint64_t index,
                         RegisterSet after, const Anywhere& here) const {
  const Word word = piece.word(index);
  if ((group_of(word) & 0b1110) != 0b1010) {
    return (after & ~written_for_sure(word)) | taken_further(word);
  }
  const std::uint64_t at_word = piece.address(index);
  const Instruction found = read_word(word, at_word);
  switch (found.kind) {
    case Kind::Call:
      return ((after | here.orphans) & kKeptByCalls) | taken_further(word);
    case Kind::Branch:
      return after | at(found.target);
    case Kind::Jump:
      return found.has_target ? at(found.target)
                              : here.blocks | taken_further(word);
    case Kind::Return:
    case Kind::End:
      return 0;
    default:
      return after & ~written_for_sure(word);
  }
}

}  // namespace vambrace::elf::aarch64
