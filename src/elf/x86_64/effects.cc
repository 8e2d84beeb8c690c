#include "elf/x86_64/effects.h"

#include <algorithm>
#include <array>

namespace vambrace::elf::x86_64 {
namespace {

using VKind = Value::Kind;

// Registers that a called function may change (System V ABI, 3.2.1).
constexpr std::size_t kScratch[] = {0, 1, 2, 6, 7, 8, 9, 10, 11};

}  // namespace

int register_number(ZydisRegister name) {
  const ZydisRegister whole =
      ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);
  return ZydisRegisterGetClass(whole) == ZYDIS_REGCLASS_GPR64
             ? ZydisRegisterGetId(whole)
             : -1;
}

void Effects::apply(const Decoded& found, std::uint64_t at, State& state) {
  if (found.instruction.mnemonic == ZYDIS_MNEMONIC_PUSH) {
    push(found, state);
  } else if (found.instruction.mnemonic == ZYDIS_MNEMONIC_POP) {
    pop(found, state);
  } else {
    compute(found, at, state);
  }
}

void Effects::forget_scratch(State& state) const {
  for (const std::size_t number : kScratch) {
    state.registers[number] = {};
  }
  if (escaped()) {
    state.forget_stack();
  }
}

void Effects::push(const Decoded& found, State& state) {
  const Value value = read(found.operands[0], state);
  state.move_pointer(-8);
  write_stack(state, 0, value);
}

void Effects::pop(const Decoded& found, State& state) {
  const Value value = read_stack(state, 0);
  state.move_pointer(8);
  write(found.operands[0], value, state);
}

void Effects::write_stack(State& state, std::int64_t above,
                          const Value& value) {
  if (value.kind == VKind::Frame) {
    escape();
  }
  if (state.pointer().kind != VKind::Frame) {
    state.forget_stack();
    return;
  }
  const std::int64_t offset = state.pointer().number + above;
  state.erase_around(offset, 8);
  state.stack[offset] = value;
}

Value Effects::read_stack(const State& state, std::int64_t above) const {
  const Value& pointer = state.registers[kStackPointer];
  return pointer.kind == VKind::Frame
             ? slot(state, pointer.entry, pointer.number + above)
             : Value{};
}

// The distance from the entry's stack pointer that a memory operand means.
std::optional<std::int64_t> Effects::frame_offset(
    const ZydisDecodedOperand& operand, const State& state) {
  const int base = register_number(operand.mem.base);
  if (base < 0 || operand.mem.index != ZYDIS_REGISTER_NONE ||
      state.registers[base].kind != VKind::Frame) {
    return std::nullopt;
  }
  return state.registers[base].number + operand.mem.disp.value;
}

Value Effects::read(const ZydisDecodedOperand& operand,
                    const State& state) const {
  if (operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    return constant(truncated(operand.imm.value.u,
                              operand.imm.is_signed ? 64 : operand.size));
  }
  if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
    const int number = register_number(operand.reg.value);
    if (number < 0 || operand.size < 32) {
      return {};
    }
    return narrowed(state.registers[number], operand.size);
  }
  if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.size >= 32) {
    if (const auto offset = frame_offset(operand, state)) {
      return narrowed(
          slot(state, state.registers[register_number(operand.mem.base)].entry,
               *offset),
          operand.size);
    }
  }
  return {};
}

void Effects::write(const ZydisDecodedOperand& operand, const Value& value,
                    State& state) {
  if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
    const int number = register_number(operand.reg.value);
    if (number < 0) {
      return;
    }
    if (operand.size < 32) {
      write_part(state.registers[number], operand, value);
      return;
    }
    Value written = narrowed(value, operand.size);
    if (operand.size == 32 &&
        (written.kind == VKind::Frame || written.kind == VKind::Place)) {
      written = {};
    }
    if (written.kind == VKind::Frame &&
        number != static_cast<int>(kStackPointer) &&
        number != static_cast<int>(kFramePointer)) {
      escape();
    }
    state.registers[number] = written;
  } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    if (value.kind == VKind::Frame) {
      escape();
    }
    if (const auto offset = frame_offset(operand, state)) {
      state.erase_around(*offset, operand.size / 8);
      if (operand.size == 64 || operand.size == 32) {
        state.stack[*offset] = value;
      }
    } else if (escaped() || names_frame(operand, state) ||
               register_number(operand.mem.base) ==
                   static_cast<int>(kStackPointer)) {
      state.forget_stack();
    }
  }
}

// The lowest bits of a register; the rest of it stays.
void Effects::write_part(Value& whole, const ZydisDecodedOperand& operand,
                         const Value& value) const {
  const bool high = operand.reg.value >= ZYDIS_REGISTER_AH &&
                    operand.reg.value <= ZYDIS_REGISTER_BH;
  const std::uint64_t mask = operand.size == 8 ? 0xff : 0xffff;
  whole = high ? Value{}
               : combine(whole, value,
                         [&](std::uint64_t before, std::uint64_t part) {
                           return (before & ~mask) | (part & mask);
                         });
}

Value Effects::address_of(const ZydisDecodedOperand& operand,
                          std::uint64_t next, const State& state) const {
  const auto disp = static_cast<std::uint64_t>(operand.mem.disp.value);
  if (operand.mem.base == ZYDIS_REGISTER_RIP) {
    return constant(next + disp);
  }
  if (const auto offset = frame_offset(operand, state)) {
    Value frame = of_kind(VKind::Frame, *offset);
    frame.entry = state.registers[register_number(operand.mem.base)].entry;
    return frame;
  }
  const int base = register_number(operand.mem.base);
  const int index = register_number(operand.mem.index);
  if (base < 0 && index < 0) {
    return constant(disp);
  }
  Value sum = base < 0 ? constant(0) : state.registers[base];
  if (index >= 0) {
    sum = combine(sum, state.registers[index],
                  [&](std::uint64_t a, std::uint64_t b) {
                    return a + b * operand.mem.scale;
                  });
  }
  return combine(sum, constant(disp),
                 [](std::uint64_t a, std::uint64_t b) { return a + b; });
}

// A distance that is looked up in a table whose address is known.
Value Effects::table_entry(const ZydisDecodedOperand& operand,
                           const State& state) const {
  const int base = register_number(operand.mem.base);
  if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY || base < 0 ||
      operand.mem.index == ZYDIS_REGISTER_NONE || operand.mem.scale != 4 ||
      operand.mem.disp.value != 0) {
    return {};
  }
  const auto table = state.registers[base].constant();
  return table ? of_kind(VKind::Table, static_cast<std::int64_t>(*table))
               : Value{};
}

// Whether its address is one of the frame, plus something.
bool Effects::names_frame(const ZydisDecodedOperand& operand,
                          const State& state) {
  return std::ranges::any_of(
      std::array{operand.mem.base, operand.mem.index}, [&](ZydisRegister name) {
        const int number = register_number(name);
        return number >= 0 && state.registers[number].kind == VKind::Frame;
      });
}

// Addresses of the frame that are computed in another way than is followed:
// with an index, say. What is copied is looked at where it is written.
void Effects::note_escape(const Decoded& found, const State& state) {
  const ZydisMnemonic mnemonic = found.instruction.mnemonic;
  if (mnemonic == ZYDIS_MNEMONIC_MOV || mnemonic == ZYDIS_MNEMONIC_CMP ||
      mnemonic == ZYDIS_MNEMONIC_TEST || mnemonic == ZYDIS_MNEMONIC_NOP) {
    return;
  }
  const ZydisDecodedOperand& into = found.operands[0];
  const bool moves =
      into.type == ZYDIS_OPERAND_TYPE_REGISTER &&
      (mnemonic == ZYDIS_MNEMONIC_ADD || mnemonic == ZYDIS_MNEMONIC_SUB ||
       mnemonic == ZYDIS_MNEMONIC_AND);
  for (unsigned i = 0; i < found.instruction.operand_count_visible; ++i) {
    const ZydisDecodedOperand& operand = found.operands[i];
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY &&
        operand.mem.type == ZYDIS_MEMOP_TYPE_AGEN) {
      if (!frame_offset(operand, state) && names_frame(operand, state)) {
        escape();
      }
    } else if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER &&
               (operand.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0) {
      const int number = register_number(operand.reg.value);
      const bool own = i == 0 && moves &&
                       (number == static_cast<int>(kStackPointer) ||
                        number == static_cast<int>(kFramePointer));
      if (number >= 0 && state.registers[number].kind == VKind::Frame && !own) {
        escape();
      }
    }
  }
}

void Effects::compute(const Decoded& found, std::uint64_t at, State& state) {
  const ZydisDecodedOperand& into = found.operands[0];
  const ZydisDecodedOperand& from = found.operands[1];
  const std::uint64_t next = at + found.instruction.length;
  note_escape(found, state);
  const auto both = [&](auto operation) {
    write(into, combine(read(into, state), read(from, state), operation),
          state);
  };
  switch (found.instruction.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
      write(into, read(from, state), state);
      return;
    case ZYDIS_MNEMONIC_MOVSXD:
      move_signed(into, from, state);
      return;
    case ZYDIS_MNEMONIC_LEA:
      write(into, address_of(from, next, state), state);
      return;
    case ZYDIS_MNEMONIC_XOR:
      if (same_register(into, from)) {
        write(into, constant(0), state);
        return;
      }
      both([](std::uint64_t a, std::uint64_t b) { return a ^ b; });
      return;
    case ZYDIS_MNEMONIC_SUB:
      subtract(into, from, state);
      return;
    case ZYDIS_MNEMONIC_SBB:
      write(
          into,
          same_register(into, from) ? some({.constants = {0, ~0ULL}}) : Value{},
          state);
      return;
    case ZYDIS_MNEMONIC_ADD:
      write(into, add(read(into, state), read(from, state)), state);
      return;
    case ZYDIS_MNEMONIC_AND:
      if (into.type == ZYDIS_OPERAND_TYPE_REGISTER &&
          register_number(into.reg.value) == static_cast<int>(kStackPointer)) {
        // Aligned: below what was there before.
        state.pointer() = {};
        state.forget_stack();
        return;
      }
      both([](std::uint64_t a, std::uint64_t b) { return a & b; });
      return;
    case ZYDIS_MNEMONIC_OR:
      if (found.operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
          from.imm.value.s == -1) {
        write(into, constant(~0ULL), state);
        return;
      }
      both([](std::uint64_t a, std::uint64_t b) { return a | b; });
      return;
    case ZYDIS_MNEMONIC_INC:
      write(into, add(read(into, state), constant(1)), state);
      return;
    case ZYDIS_MNEMONIC_DEC:
      write(into, add(read(into, state), constant(~0ULL)), state);
      return;
    case ZYDIS_MNEMONIC_LEAVE:
      state.pointer() = state.registers[kFramePointer];
      state.registers[kFramePointer] = read_stack(state, 0);
      state.move_pointer(8);
      return;
    case ZYDIS_MNEMONIC_CMP:
    case ZYDIS_MNEMONIC_TEST:
    case ZYDIS_MNEMONIC_NOP:
    case ZYDIS_MNEMONIC_ENDBR64:
      return;
    default:
      break;
  }
  if (found.instruction.meta.category == ZYDIS_CATEGORY_CMOV) {
    Value either = read(into, state);
    join(either, read(from, state));
    write(into, either, state);
    return;
  }
  if (found.instruction.meta.category == ZYDIS_CATEGORY_SETCC) {
    set_byte(into, state);
    return;
  }
  forget_written(found, state);
}

bool Effects::same_register(const ZydisDecodedOperand& left,
                            const ZydisDecodedOperand& right) {
  return left.type == ZYDIS_OPERAND_TYPE_REGISTER &&
         right.type == ZYDIS_OPERAND_TYPE_REGISTER &&
         left.reg.value == right.reg.value;
}

void Effects::move_signed(const ZydisDecodedOperand& into,
                          const ZydisDecodedOperand& from, State& state) {
  const Value entry = table_entry(from, state);
  if (entry.kind == VKind::Table) {
    write(into, entry, state);
    return;
  }
  Value value = read(from, state);
  if (value.kind == VKind::Some) {
    value = mapped(value, [](std::uint64_t number) {
      return static_cast<std::uint64_t>(
          std::int64_t{static_cast<std::int32_t>(number)});
    });
  }
  // A parameter of 32 bits keeps its meaning.
  write(into, value, state);
}

void Effects::subtract(const ZydisDecodedOperand& into,
                       const ZydisDecodedOperand& from, State& state) {
  if (same_register(into, from)) {
    write(into, constant(0), state);
    return;
  }
  const Value by = read(from, state);
  const Value left = read(into, state);
  if (const auto number = by.constant(); number && left.kind == VKind::Frame) {
    write(into, add(left, constant(0 - *number)), state);
    return;
  }
  write(
      into,
      combine(left, by, [](std::uint64_t a, std::uint64_t b) { return a - b; }),
      state);
}

// The lowest byte becomes 0 or 1.
void Effects::set_byte(const ZydisDecodedOperand& into, State& state) {
  if (into.type != ZYDIS_OPERAND_TYPE_REGISTER) {
    write(into, {}, state);
    return;
  }
  const int number = register_number(into.reg.value);
  Value& value = state.registers[number];
  const bool high = into.reg.value >= ZYDIS_REGISTER_AH &&
                    into.reg.value <= ZYDIS_REGISTER_BH;
  if (!value.is_constant() || high) {
    value = {};
    return;
  }
  Choice either;
  for (const std::uint64_t known : value.choice->constants) {
    either.constants.push_back(known & ~0xffULL);
    either.constants.push_back((known & ~0xffULL) | 1);
  }
  value = some(std::move(either));
}

void Effects::forget_written(const Decoded& found, State& state) {
  constexpr ZyanU64 kRepeats =
      ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
  const bool repeats = (found.instruction.attributes & kRepeats) != 0;
  for (unsigned i = 0; i < found.instruction.operand_count; ++i) {
    const ZydisDecodedOperand& operand = found.operands[i];
    if ((operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) == 0) {
      continue;
    }
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      const int number = register_number(operand.reg.value);
      if (number >= 0) {
        state.registers[number] = {};
      }
    } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      write(operand, Value{}, state);
      if (repeats && names_frame(operand, state)) {
        state.forget_stack();
      }
    }
  }
  if (state.pointer().kind != VKind::Frame) {
    state.forget_stack();
  }
}

}  // namespace vambrace::elf::x86_64
