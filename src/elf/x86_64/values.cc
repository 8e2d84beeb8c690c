#include "elf/values.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <set>

namespace vambrace::elf {
namespace {

constexpr std::uint64_t kMaxFunctionBytes = 256U << 10;
constexpr unsigned kMaxJoins = 200;  // of one block
constexpr std::size_t kMaxTable = 1024;
constexpr std::size_t kStackPointer = 4;
// Registers that a called function may change (System V ABI, 3.2.1).
constexpr std::size_t kScratch[] = {0, 1, 2, 6, 7, 8, 9, 10, 11};

using VKind = Value::Kind;

Value of_kind(VKind kind, std::int64_t number) {
  return {.kind = kind, .number = number};
}

struct State {
  std::array<Value, kRegisters> registers;
  std::map<std::int64_t, Value> stack;

  Value& pointer() { return registers[kStackPointer]; }
};

struct Decoded {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

// -1: none of the sixteen.
int register_number(ZydisRegister name) {
  const ZydisRegister whole =
      ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);
  return ZydisRegisterGetClass(whole) == ZYDIS_REGCLASS_GPR64
             ? ZydisRegisterGetId(whole)
             : -1;
}

std::uint64_t truncated(std::uint64_t number, unsigned bits) {
  return bits >= 64 ? number : number & ((1ULL << bits) - 1);
}

// Runs one function over abstract values.
class Run {
 public:
  Run(const Image& image, const Range& bounds,
      std::span<const std::uint64_t> entries, const Returns& returns,
      Choices& choices, Effort& effort)
      : image_(image),
        bounds_(bounds),
        entries_(entries),
        returns_(returns),
        choices_(choices),
        effort_(effort),
        bytes_(image.from(bounds.begin)) {
    bytes_ = bytes_.substr(
        0, std::min<std::uint64_t>(bytes_.size(), bounds.end - bounds.begin));
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64,
                     ZYDIS_STACK_WIDTH_64);
  }

  std::vector<Moment> run() {
    if (bytes_.size() > kMaxFunctionBytes) {
      return given_up();
    }
    find_blocks();
    if (!propagate()) {
      return given_up();
    }
    for (const auto& [begin, block] : blocks_) {
      State state = block.state;
      walk_block(begin, state, true);
    }
    return std::move(moments_);
  }

 private:
  std::vector<Moment> given_up() const {
    return {{.address = bounds_.begin, .kernel = true, .given_up = true}};
  }

  struct Block {
    State state;
    bool reached = false;
    unsigned rounds = 0;
  };

  Value some(Choice choice) const {
    const Choice* kept = choices_.keep(std::move(choice));
    return kept == nullptr ? Value{}
                           : Value{.kind = VKind::Some, .choice = kept};
  }

  Value constant(std::uint64_t number) const {
    return some({.constants = {number}});
  }

  // False if it says the same as before.
  bool join(Value& value, const Value& other) const {
    if (value.kind == VKind::Unknown || value == other) {
      return false;
    }
    Value joined;
    if (value.kind == VKind::Some && other.kind == VKind::Some) {
      Choice both = *value.choice;
      both.constants.insert(both.constants.end(),
                            other.choice->constants.begin(),
                            other.choice->constants.end());
      both.origins.insert(both.origins.end(), other.choice->origins.begin(),
                          other.choice->origins.end());
      joined = some(std::move(both));
    }
    if (joined == value) {
      return false;
    }
    value = joined;
    return true;
  }

  bool join(State& state, const State& other) const {
    bool changed = false;
    for (std::size_t i = 0; i < kRegisters; ++i) {
      changed |= join(state.registers[i], other.registers[i]);
    }
    for (auto slot = state.stack.begin(); slot != state.stack.end();) {
      const auto theirs = other.stack.find(slot->first);
      if (theirs == other.stack.end()) {
        slot = state.stack.erase(slot);
        changed = true;
      } else {
        changed |= join(slot->second, theirs->second);
        ++slot;
      }
    }
    return changed;
  }

  bool decode(std::uint64_t at, Decoded& out) const {
    const std::uint64_t into = at - bounds_.begin;
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, bytes_.data() + into,
                                               bytes_.size() - into,
                                               &out.instruction, out.operands));
  }

  bool inside(std::uint64_t at) const {
    return at >= bounds_.begin && at - bounds_.begin < bytes_.size();
  }

  static bool is_relative(const Decoded& found) {
    return found.instruction.raw.imm[0].is_relative;
  }
  static std::uint64_t target_of(const Decoded& found, std::uint64_t at) {
    return at + found.instruction.length + found.instruction.raw.imm[0].value.u;
  }

  void find_blocks() {
    blocks_[bounds_.begin];
    for (const std::uint64_t entry : entries_) {
      blocks_[entry];
    }
    Decoded found;
    bool begins = false;
    for (std::uint64_t at = bounds_.begin; inside(at);) {
      if (!decode(at, found)) {
        ++at;
        continue;
      }
      const std::uint64_t next = at + found.instruction.length;
      // Behind a jump comes another block, but not with what only fills up.
      if (begins && found.instruction.mnemonic != ZYDIS_MNEMONIC_NOP) {
        blocks_[at];
        begins = false;
      }
      const ZydisInstructionCategory category = found.instruction.meta.category;
      const bool jumps = category == ZYDIS_CATEGORY_COND_BR ||
                         category == ZYDIS_CATEGORY_UNCOND_BR;
      if (jumps && is_relative(found) && inside(target_of(found, at))) {
        blocks_[target_of(found, at)];
      }
      if (category == ZYDIS_CATEGORY_COND_BR && inside(next)) {
        blocks_[next];
      }
      begins = begins || category == ZYDIS_CATEGORY_UNCOND_BR ||
               category == ZYDIS_CATEGORY_RET ||
               found.instruction.mnemonic == ZYDIS_MNEMONIC_HLT ||
               ends(found, at);
      at = next;
    }
  }

  // False if that takes too long.
  bool propagate() {
    do {
      again_ = false;
      for (auto& [begin, block] : blocks_) {
        block = {};
      }
      unresolved_ = false;
      reach(bounds_.begin, entered_at(bounds_.begin));
      for (const std::uint64_t entry : entries_) {
        reach(entry, entered_at(entry));
      }
      drain();
      // What nothing leads to that we can follow: whatever may be.
      bool unknown = false;
      for (auto& [begin, block] : blocks_) {
        if (!block.reached) {
          unknown = true;
          reach(begin, State{});
        }
      }
      if (unknown && unresolved_) {
        for (auto& [begin, block] : blocks_) {
          reach(begin, State{});
        }
      }
      drain();
    } while (again_ && effort_.left > 0);
    return effort_.left > 0;
  }

  State entered_at(std::uint64_t entry) const {
    State state;
    for (std::size_t i = 0; i < kRegisters; ++i) {
      state.registers[i] =
          some({.origins = {{entry, false, static_cast<std::int64_t>(i)}}});
    }
    state.pointer() = {.kind = VKind::Frame, .entry = entry};
    return state;
  }

  void drain() {
    while (!waiting_.empty() && !again_ && effort_.left > 0) {
      const std::uint64_t begin = *waiting_.begin();
      waiting_.erase(waiting_.begin());
      State state = blocks_[begin].state;
      walk_block(begin, state, false);
    }
    waiting_.clear();
  }

  void reach(std::uint64_t at, const State& state) {
    const auto found = blocks_.find(at);
    if (found == blocks_.end()) {
      // Into the middle of a block: hand-written code, or a table that is
      // not one. The next block is entered as if from anywhere.
      const auto next = blocks_.upper_bound(at);
      if (inside(at) && next != blocks_.end()) {
        reach(next->first, State{});
      }
      return;
    }
    Block& block = found->second;
    if (!block.reached) {
      block.reached = true;
      block.state = state;
      waiting_.insert(at);
      return;
    }
    if (++block.rounds > kMaxJoins) {
      block.state = State{};
      if (block.rounds == kMaxJoins + 1) {
        waiting_.insert(at);
      }
    } else if (join(block.state, state)) {
      waiting_.insert(at);
    }
  }

  // Over the instructions of one block; either hands the state on to the
  // blocks behind it, or notes the moments.
  void walk_block(std::uint64_t begin, State& state, bool note) {
    const auto after = blocks_.upper_bound(begin);
    const std::uint64_t end =
        after == blocks_.end() ? bounds_.end : after->first;
    Decoded found;
    for (std::uint64_t at = begin; at < end && inside(at);) {
      effort_.spend(1);
      if (!decode(at, found)) {
        state = State{};
        ++at;
        continue;
      }
      const std::uint64_t next = at + found.instruction.length;
      switch (found.instruction.meta.category) {
        case ZYDIS_CATEGORY_COND_BR:
        case ZYDIS_CATEGORY_UNCOND_BR:
          leave(found, at, state, note);
          if (found.instruction.meta.category == ZYDIS_CATEGORY_UNCOND_BR) {
            return;
          }
          break;
        case ZYDIS_CATEGORY_RET:
          return;
        default:
          step(found, at, state, note);
          if (found.instruction.mnemonic == ZYDIS_MNEMONIC_HLT ||
              ends(found, at)) {
            return;
          }
      }
      at = next;
    }
    if (end >= bounds_.end) {
      if (note) {
        add_outgoing({.address = bounds_.end, .target = bounds_.end}, state, 0);
      }
    } else if (!note) {
      reach(end, state);
    }
  }

  // A call that does not come back.
  bool ends(const Decoded& found, std::uint64_t at) const {
    if (found.instruction.mnemonic != ZYDIS_MNEMONIC_CALL) {
      return false;
    }
    const auto [target, through_slot] = called_by(found, at);
    return target != 0 && !returns_(target, through_slot);
  }

  // Where a call goes, or the slot that says so; 0: not told.
  static std::pair<std::uint64_t, bool> called_by(const Decoded& found,
                                                  std::uint64_t at) {
    if (is_relative(found)) {
      return {target_of(found, at), false};
    }
    const ZydisDecodedOperand& operand = found.operands[0];
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY &&
        operand.mem.base == ZYDIS_REGISTER_RIP) {
      return {at + found.instruction.length +
                  static_cast<std::uint64_t>(operand.mem.disp.value),
              true};
    }
    return {0, false};
  }

  void leave(const Decoded& found, std::uint64_t at, State& state, bool note) {
    if (is_relative(found)) {
      const std::uint64_t target = target_of(found, at);
      if (!bounds_.holds(target)) {
        if (note) {
          add_call(found, at, state, false);
        }
      } else if (!note) {
        reach(target, state);
      }
      return;
    }
    const std::vector<std::uint64_t> targets = table_targets(found, state);
    if (!note) {
      for (const std::uint64_t target : targets) {
        reach(target, state);
      }
    }
    if (targets.empty()) {
      unresolved_ = true;
      if (note) {
        add_call(found, at, state, false);
      }
    }
  }

  // Where a jump through a table goes, as far as that is in this function.
  std::vector<std::uint64_t> table_targets(const Decoded& found,
                                           const State& state) const {
    std::vector<std::uint64_t> targets;
    const ZydisDecodedOperand& operand = found.operands[0];
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      const int number = register_number(operand.reg.value);
      if (number < 0 || state.registers[number].kind != VKind::Place) {
        return targets;
      }
      const auto base =
          static_cast<std::uint64_t>(state.registers[number].number);
      for (std::size_t i = 0; i < kMaxTable; ++i) {
        const auto distance =
            read_at<std::int32_t>(image_.from(base + i * 4), 0);
        const std::uint64_t target =
            base +
            static_cast<std::uint64_t>(std::int64_t{distance.value_or(0)});
        if (!distance || !bounds_.holds(target)) {
          break;
        }
        targets.push_back(target);
      }
    } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY &&
               operand.mem.base == ZYDIS_REGISTER_NONE &&
               operand.mem.index != ZYDIS_REGISTER_NONE) {
      const auto base = static_cast<std::uint64_t>(operand.mem.disp.value);
      for (std::size_t i = 0; i < kMaxTable; ++i) {
        const auto target =
            read_at<std::uint64_t>(image_.from(base + i * 8), 0);
        if (!target || !bounds_.holds(*target)) {
          break;
        }
        targets.push_back(*target);
      }
    }
    return targets;
  }

  void add_call(const Decoded& found, std::uint64_t at, const State& state,
                bool pushes) {
    Moment moment{.address = at};
    std::tie(moment.target, moment.through_slot) = called_by(found, at);
    add_outgoing(std::move(moment), state, pushes ? 8 : 0);
  }

  void add_outgoing(Moment moment, const State& state, std::int64_t pushed) {
    moment.registers = state.registers;
    const Value& pointer = state.registers[kStackPointer];
    if (pointer.kind == VKind::Frame) {
      for (const auto& [offset, value] : state.stack) {
        moment.stack[offset - (pointer.number - pushed)] = value;
      }
    }
    moments_.push_back(std::move(moment));
  }

  void step(const Decoded& found, std::uint64_t at, State& state, bool note) {
    switch (found.instruction.mnemonic) {
      case ZYDIS_MNEMONIC_CALL:
        if (note) {
          add_call(found, at, state, true);
        }
        forget_scratch(state);
        return;
      case ZYDIS_MNEMONIC_SYSCALL:
        if (note) {
          moments_.push_back({.address = at,
                              .kernel = true,
                              .registers = state.registers,
                              .stack = state.stack});
        }
        state.registers[0] = {};
        state.registers[1] = {};
        state.registers[11] = {};
        return;
      case ZYDIS_MNEMONIC_PUSH:
        push(found, state);
        return;
      case ZYDIS_MNEMONIC_POP:
        pop(found, state);
        return;
      default:
        compute(found, at, state);
    }
  }

  void forget_scratch(State& state) const {
    for (const std::size_t number : kScratch) {
      state.registers[number] = {};
    }
    if (escaped_) {
      state.stack.clear();
    }
  }

  void push(const Decoded& found, State& state) {
    const Value value = read(found.operands[0], state);
    move_pointer(state, -8);
    write_stack(state, 0, value);
  }

  void pop(const Decoded& found, State& state) {
    const Value value = read_stack(state, 0);
    move_pointer(state, 8);
    write(found.operands[0], value, state);
  }

  static void move_pointer(State& state, std::int64_t by) {
    if (state.pointer().kind == VKind::Frame) {
      state.pointer().number += by;
    }
  }

  static void write_stack(State& state, std::int64_t above,
                          const Value& value) {
    if (state.pointer().kind != VKind::Frame) {
      state.stack.clear();
      return;
    }
    state.stack[state.pointer().number + above] = value;
  }

  Value read_stack(const State& state, std::int64_t above) const {
    const Value& pointer = state.registers[kStackPointer];
    return pointer.kind == VKind::Frame
               ? slot(state, pointer.entry, pointer.number + above)
               : Value{};
  }

  Value slot(const State& state, std::uint64_t entry,
             std::int64_t offset) const {
    const auto known = state.stack.find(offset);
    if (known != state.stack.end()) {
      return known->second;
    }
    // Above the return address stand arguments, unless somebody may have
    // written there.
    return offset >= 8 && !escaped_ ? some({.origins = {{entry, true, offset}}})
                                    : Value{};
  }

  // The distance from the entry's stack pointer that a memory operand means.
  static std::optional<std::int64_t> frame_offset(
      const ZydisDecodedOperand& operand, const State& state) {
    const int base = register_number(operand.mem.base);
    if (base < 0 || operand.mem.index != ZYDIS_REGISTER_NONE ||
        state.registers[base].kind != VKind::Frame) {
      return std::nullopt;
    }
    return state.registers[base].number + operand.mem.disp.value;
  }

  Value read(const ZydisDecodedOperand& operand, const State& state) const {
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
            slot(state,
                 state.registers[register_number(operand.mem.base)].entry,
                 *offset),
            operand.size);
      }
    }
    return {};
  }

  Value narrowed(const Value& value, unsigned bits) const {
    if (bits >= 64 || value.kind != VKind::Some) {
      return value;
    }
    return mapped(
        value, [&](std::uint64_t number) { return truncated(number, bits); });
  }

  // With another number for each constant.
  template <class Change>
  Value mapped(const Value& value, Change change) const {
    Choice changed = *value.choice;
    for (std::uint64_t& number : changed.constants) {
      number = change(number);
    }
    return changed == *value.choice ? value : some(std::move(changed));
  }

  void write(const ZydisDecodedOperand& operand, const Value& value,
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
          number != static_cast<int>(kStackPointer) && number != 5) {
        escape();
      }
      state.registers[number] = written;
    } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      if (value.kind == VKind::Frame) {
        escape();
      }
      if (const auto offset = frame_offset(operand, state)) {
        erase_around(state, *offset, operand.size / 8);
        if (operand.size == 64 || operand.size == 32) {
          state.stack[*offset] = value;
        }
      } else if (escaped_ || register_number(operand.mem.base) ==
                                 static_cast<int>(kStackPointer)) {
        state.stack.clear();
      }
    }
  }

  // The lowest bits of a register; the rest of it stays.
  void write_part(Value& whole, const ZydisDecodedOperand& operand,
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

  static void erase_around(State& state, std::int64_t offset,
                           std::int64_t bytes) {
    state.stack.erase(
        state.stack.lower_bound(offset - 7),
        state.stack.lower_bound(offset + std::max<std::int64_t>(bytes, 1)));
  }

  // From here on others may know where the frame is.
  void escape() {
    if (!escaped_) {
      escaped_ = true;
      again_ = true;
    }
  }

  Value address_of(const ZydisDecodedOperand& operand, std::uint64_t next,
                   const State& state) const {
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

  template <class Operation>
  Value combine(const Value& left, const Value& right,
                Operation operation) const {
    if (!left.is_constant() || !right.is_constant()) {
      return {};
    }
    Choice all;
    for (const std::uint64_t a : left.choice->constants) {
      for (const std::uint64_t b : right.choice->constants) {
        all.constants.push_back(operation(a, b));
      }
    }
    return some(std::move(all));
  }

  Value add(const Value& left, const Value& right) const {
    if (const auto number = right.constant()) {
      const auto by = static_cast<std::int64_t>(*number);
      if (left.kind == VKind::Frame) {
        Value moved = left;
        moved.number += by;
        return moved;
      }
      if (left.kind == VKind::Table && left.number == by) {
        return of_kind(VKind::Place, left.number);
      }
      if (by == 0) {
        return left;
      }
    }
    if (left.is_constant() && right.kind == VKind::Table) {
      return add(right, left);
    }
    return combine(left, right,
                   [](std::uint64_t a, std::uint64_t b) { return a + b; });
  }

  // A distance that is looked up in a table whose address is known.
  Value table_entry(const ZydisDecodedOperand& operand,
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

  void compute(const Decoded& found, std::uint64_t at, State& state) {
    const ZydisDecodedOperand& into = found.operands[0];
    const ZydisDecodedOperand& from = found.operands[1];
    const std::uint64_t next = at + found.instruction.length;
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
        write(into,
              same_register(into, from) ? some({.constants = {0, ~0ULL}})
                                        : Value{},
              state);
        return;
      case ZYDIS_MNEMONIC_ADD:
        write(into, add(read(into, state), read(from, state)), state);
        return;
      case ZYDIS_MNEMONIC_AND:
        if (into.type == ZYDIS_OPERAND_TYPE_REGISTER &&
            register_number(into.reg.value) ==
                static_cast<int>(kStackPointer)) {
          // Aligned: below what was there before.
          state.pointer() = {};
          state.stack.clear();
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
        state.pointer() = state.registers[5];
        state.registers[5] = read_stack(state, 0);
        move_pointer(state, 8);
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

  static bool same_register(const ZydisDecodedOperand& left,
                            const ZydisDecodedOperand& right) {
    return left.type == ZYDIS_OPERAND_TYPE_REGISTER &&
           right.type == ZYDIS_OPERAND_TYPE_REGISTER &&
           left.reg.value == right.reg.value;
  }

  void move_signed(const ZydisDecodedOperand& into,
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

  void subtract(const ZydisDecodedOperand& into,
                const ZydisDecodedOperand& from, State& state) {
    if (same_register(into, from)) {
      write(into, constant(0), state);
      return;
    }
    const Value by = read(from, state);
    const Value left = read(into, state);
    if (const auto number = by.constant();
        number && left.kind == VKind::Frame) {
      write(into, add(left, constant(0 - *number)), state);
      return;
    }
    write(into,
          combine(left, by,
                  [](std::uint64_t a, std::uint64_t b) { return a - b; }),
          state);
  }

  // The lowest byte becomes 0 or 1.
  void set_byte(const ZydisDecodedOperand& into, State& state) const {
    if (into.type != ZYDIS_OPERAND_TYPE_REGISTER) {
      return;
    }
    const int number = register_number(into.reg.value);
    Value& value = state.registers[number];
    if (!value.is_constant()) {
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

  void forget_written(const Decoded& found, State& state) {
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
      }
    }
    if (state.pointer().kind != VKind::Frame) {
      state.stack.clear();
    }
  }

  const Image& image_;
  Range bounds_;
  std::span<const std::uint64_t> entries_;
  const Returns& returns_;
  Choices& choices_;
  Effort& effort_;
  ByteView bytes_;
  ZydisDecoder decoder_;
  std::map<std::uint64_t, Block> blocks_;
  std::set<std::uint64_t> waiting_;
  std::vector<Moment> moments_;
  bool escaped_ = false;
  bool again_ = false;
  bool unresolved_ = false;
};

}  // namespace

const Choice* Choices::keep(Choice choice) {
  const auto tidy = [](auto& all) {
    std::ranges::sort(all);
    const auto same = std::ranges::unique(all);
    all.erase(same.begin(), same.end());
  };
  tidy(choice.constants);
  tidy(choice.origins);
  if ((choice.constants.empty() && choice.origins.empty()) ||
      choice.constants.size() > kMaxConstants ||
      choice.origins.size() > kMaxOrigins) {
    return nullptr;
  }
  return &*known_.insert(std::move(choice)).first;
}

std::vector<Moment> find_moments(const Image& image, const Range& bounds,
                                 std::span<const std::uint64_t> entries,
                                 const Returns& returns, Choices& choices,
                                 Effort& effort) {
  return Run(image, bounds, entries, returns, choices, effort).run();
}

}  // namespace vambrace::elf
