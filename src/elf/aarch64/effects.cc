#include "elf/aarch64/effects.h"

namespace vambrace::elf::aarch64 {
namespace {

using VKind = Value::Kind;

// x0 to x18, and the link (AAPCS64, 6.1.1).
constexpr RegisterSet kChangedByCalls = 0x7ffff | 1U << kLink;

std::uint64_t with_sign(std::uint64_t number, unsigned bits) {
  const unsigned above = 64 - bits;
  return static_cast<std::uint64_t>(
      static_cast<std::int64_t>(number << above) >> above);
}

}  // namespace

void Effects::apply(Word word, std::uint64_t at, const Image& image,
                    State& state) {
  note_escape(word, state);
  if (is_immediate_group(word)) {
    compute_immediate(word, at, state);
  } else if (is_register_group(word)) {
    compute_registers(word, state);
  } else if (is_literal(word)) {
    load_literal(word, at, image, state);
  } else if (const auto found =
                 is_memory_group(word) ? access_of(word) : std::nullopt) {
    access(*found, state);
  } else {
    forget(written_at_most(word), state);
    // Vectors whose base moves, and lengths of vectors that are added.
    const bool moves = is_memory_group(word) && rn_of(word) == kStackPointer &&
                       (word >> 23 & 1) != 0;
    const bool adds = group_of(word) == 0b0010 && rd_of(word) == kStackPointer;
    if (moves || adds) {
      state.pointer() = {};
      state.forget_stack();
    } else if (is_memory_group(word)) {
      // It may be a store to the frame.
      const bool frame = rn_of(word) == kStackPointer ||
                         state.registers[rn_of(word)].kind == VKind::Frame;
      if (frame || escaped()) {
        state.forget_stack();
      }
    }
  }
}

// Addresses of the frame that are computed in another way than is followed:
// with an index, say. What is copied is looked at where it is written.
void Effects::note_escape(Word word, const State& state) {
  const auto holds = [&](unsigned number) {
    return state.registers[number].kind == VKind::Frame;
  };
  if (is_register_group(word)) {
    // Number 31 is the stack pointer only where a register is extended.
    const bool extends = (word & 0x1fe00000) == 0x0b200000;
    const bool compares = sets_flags(word) && rd_of(word) == kStackPointer;
    const auto reads = [&](unsigned number) {
      return holds(number) && number != kStackPointer;
    };
    if (!compares && !is_move(word) &&
        (reads(rn_of(word)) || reads(rm_of(word)) ||
         (extends && holds(rn_of(word))))) {
      escape();
    }
  } else if (is_memory_group(word)) {
    // As an index.
    const auto found = access_of(word);
    if (found && found->form == Access::Form::Register &&
        rm_of(word) != kStackPointer && holds(rm_of(word))) {
      escape();
    }
  }
}

void Effects::forget_scratch(State& state) const {
  forget(kChangedByCalls, state);
  if (escaped()) {
    state.forget_stack();
  }
}

void Effects::forget(RegisterSet registers, State& state) const {
  for (; registers != 0; registers &= registers - 1) {
    state.registers[static_cast<std::size_t>(std::countr_zero(registers))] = {};
  }
}

Value Effects::read(const State& state, unsigned number, bool wide) const {
  return number == kStackPointer ? constant(0)
                                 : read_or_pointer(state, number, wide);
}

Value Effects::read_or_pointer(const State& state, unsigned number,
                               bool wide) const {
  return narrowed(state.registers[number], wide ? 64 : 32);
}

void Effects::write(State& state, unsigned number, bool wide,
                    const Value& value) {
  if (number != kStackPointer) {
    write_or_pointer(state, number, wide, value);
  }
}

void Effects::write_or_pointer(State& state, unsigned number, bool wide,
                               const Value& value) {
  Value written = narrowed(value, wide ? 64 : 32);
  if (!wide && written.kind != VKind::Some) {
    written = {};
  }
  if (written.kind == VKind::Frame && number != kStackPointer &&
      number != kFramePointer) {
    escape();
  }
  state.registers[number] = written;
  if (number == kStackPointer && written.kind != VKind::Frame) {
    state.forget_stack();
  }
}

void Effects::compute_immediate(Word word, std::uint64_t at, State& state) {
  const bool wide = is_wide(word);
  const unsigned rd = rd_of(word), rn = rn_of(word);
  if (is_adr(word) || is_adrp(word)) {
    write(state, rd, true, constant(adr_target(word, at)));
  } else if (is_add_immediate(word)) {
    const Value sum = add(read_or_pointer(state, rn, wide),
                          constant(static_cast<std::uint64_t>(added_by(word))));
    if (sets_flags(word)) {
      write(state, rd, wide, sum);
    } else {
      write_or_pointer(state, rd, wide, sum);
    }
  } else if ((word & 0x1f800000) == 0x12000000) {
    const auto mask = bit_mask(word);
    const Value made =
        mask ? logical(word, read(state, rn, wide), constant(*mask)) : Value{};
    if (field(word, 29, 2) == 3) {  // ANDS
      write(state, rd, wide, made);
    } else {
      write_or_pointer(state, rd, wide, made);
    }
  } else if (is_move_wide(word)) {
    const Value before =
        field(word, 29, 2) == 3 ? read(state, rd, wide) : constant(0);
    write(state, rd, wide,
          before.is_constant() ? mapped(before,
                                        [&](std::uint64_t number) {
                                          return moved_wide(word, number);
                                        })
                               : Value{});
  } else if ((word & 0x1f800000) == 0x13000000) {
    write(state, rd, wide, bit_field(word, read(state, rn, wide)));
  } else {
    forget(written_at_most(word), state);
  }
}

// AND, ORR, EOR by their opc field; N is for registers alone: the second one is
// inverted.
Value Effects::logical(Word word, const Value& left, const Value& right) const {
  const unsigned opc = field(word, 29, 2);
  const bool inverted = is_register_group(word) && (word >> 21 & 1) != 0;
  return combine(left, right, [&](std::uint64_t a, std::uint64_t b) {
    b = inverted ? ~b : b;
    return opc == 1 ? a | b : opc == 2 ? a ^ b : a & b;
  });
}

// SBFM and UBFM: shifts by a constant, and widening.
Value Effects::bit_field(Word word, const Value& from) const {
  const unsigned opc = field(word, 29, 2), turn = field(word, 16, 6),
                 last = field(word, 10, 6);
  const unsigned size = is_wide(word) ? 64 : 32;
  if (opc == 1 || from.kind != VKind::Some) {  // BFM keeps a part
    return {};
  }
  if (!from.is_constant()) {
    // A parameter of 32 bits keeps its meaning.
    return turn == 0 && last >= 31 ? from : Value{};
  }
  return mapped(from, [&](std::uint64_t number) {
    const unsigned width = last >= turn ? last - turn + 1 : last + 1;
    std::uint64_t part =
        truncated(last >= turn ? number >> turn : number, width);
    part = opc == 0 ? with_sign(part, width) : part;
    return last >= turn ? part : part << ((size - turn) % 64);
  });
}

void Effects::compute_registers(Word word, State& state) {
  const bool wide = is_wide(word);
  const unsigned rd = rd_of(word), rn = rn_of(word);
  if (is_move(word)) {
    write(state, rd, wide, read(state, rm_of(word), wide));
  } else if ((word & 0x1f000000) == 0x0a000000) {
    write(state, rd, wide,
          logical(word, read(state, rn, wide), shifted(word, state)));
  } else if ((word & 0x1f200000) == 0x0b000000) {
    const Value left = read(state, rn, wide), right = shifted(word, state);
    const bool subtracts = (word >> 30 & 1) != 0;
    write(state, rd, wide,
          subtracts
              ? combine(left, right,
                        [](std::uint64_t a, std::uint64_t b) { return a - b; })
              : add(left, right));
  } else if ((word & 0x1fe00000) == 0x0b200000) {
    // With an extended register: to or from the stack pointer, too.
    if (sets_flags(word)) {
      write(state, rd, wide, {});
    } else {
      write_or_pointer(state, rd, wide, {});
    }
  } else if (is_select(word)) {
    write(state, rd, wide, selected(word, state));
  } else {
    forget(written_at_most(word), state);
  }
}

// The second register of an instruction that may shift it.
Value Effects::shifted(Word word, const State& state) const {
  const bool wide = is_wide(word);
  const Value value = read(state, rm_of(word), wide);
  const unsigned by = field(word, 10, 6), how = field(word, 22, 2);
  if (by == 0) {
    return value;
  }
  if (how > 1 || !value.is_constant()) {
    return {};
  }
  return mapped(value, [&](std::uint64_t number) {
    return how == 0 ? truncated(number << by, wide ? 64 : 32) : number >> by;
  });
}

// One of two, of which the second may be changed.
Value Effects::selected(Word word, const State& state) const {
  const bool wide = is_wide(word);
  const bool inverts = (word >> 30 & 1) != 0, adds = (word >> 10 & 1) != 0;
  Value either = read(state, rn_of(word), wide);
  Value other = read(state, rm_of(word), wide);
  if (inverts || adds) {
    if (!other.is_constant()) {
      return {};
    }
    other = mapped(other, [&](std::uint64_t number) {
      return (inverts ? ~number : number) + (adds ? 1 : 0);
    });
    other = narrowed(other, wide ? 64 : 32);
  }
  join(either, other);
  return either;
}

void Effects::access(const Access& access, State& state) {
  const Value base = state.registers[access.base];
  const bool frame =
      base.kind == VKind::Frame && access.form != Access::Form::Register;
  const std::int64_t offset =
      base.number + (access.form == Access::Form::After ? 0 : access.offset);
  if (!access.load && access.bytes != 0) {
    if (frame) {
      state.erase_around(offset, access.all_bytes());
      store(access, state, offset, access.first);
      if (access.second != kNoRegister) {
        store(access, state, offset + access.bytes, access.second);
      }
    } else if (escaped() || access.base == kStackPointer ||
               base.kind == VKind::Frame) {
      state.forget_stack();
    }
  }
  if (access.load && !access.vector) {
    const Value first = frame ? loaded(access, state, offset) : Value{};
    const Value second =
        frame ? loaded(access, state, offset + access.bytes) : Value{};
    write(state, access.first, true, first);
    if (access.second != kNoRegister) {
      write(state, access.second, true, second);
    }
  }
  if (access.writes_base()) {
    write_or_pointer(
        state, access.base, true,
        add(base, constant(static_cast<std::uint64_t>(access.offset))));
  }
}

Value Effects::loaded(const Access& access, const State& state,
                      std::int64_t offset) const {
  if (access.bytes < 4) {
    return {};
  }
  const Value value =
      narrowed(slot(state, state.registers[access.base].entry, offset),
               access.bytes * 8);
  if (access.with_sign && value.kind == VKind::Some) {
    return mapped(value,
                  [](std::uint64_t number) { return with_sign(number, 32); });
  }
  return access.bytes == 8 || value.kind == VKind::Some ? value : Value{};
}

void Effects::store(const Access& access, State& state, std::int64_t offset,
                    unsigned from) {
  if (access.vector) {
    return;
  }
  const Value value = read(state, from, access.bytes == 8);
  if (value.kind == VKind::Frame) {
    escape();
  }
  if (access.bytes >= 4) {
    state.stack[offset] = value;
  }
}

// A number that stands beside the code, which nobody writes.
void Effects::load_literal(Word word, std::uint64_t at, const Image& image,
                           State& state) {
  if (!loads_literal(word)) {
    return;
  }
  const std::uint64_t place = literal_place(word, at);
  const bool fixed = image.is_code(place) && image.pointer_at(place) == nullptr;
  const unsigned opc = field(word, 30, 2);
  const auto number = read_at<std::uint64_t>(image.from(place), 0);
  const auto half = read_at<std::uint32_t>(image.from(place), 0);
  if (!fixed || !half || (opc == 1 && !number)) {
    write(state, rd_of(word), true, {});
  } else if (opc == 1) {
    write(state, rd_of(word), true, constant(*number));
  } else {
    write(state, rd_of(word), true,
          constant(opc == 2 ? with_sign(*half, 32) : *half));
  }
}

}  // namespace vambrace::elf::aarch64
