#pragma once

#include <Zydis/Zydis.h>

#include <map>
#include <optional>

#include "elf/values.h"

// What single instructions of x86-64 do to abstract values (elf/values.h).
namespace vambrace::elf {

constexpr std::size_t kStackPointer = 4;
constexpr std::size_t kFramePointer = 5;

struct State {
  std::array<Value, kRegisters> registers;
  // What stands in the frame, by the distance from the stack pointer at the
  // entry. What is not here is unknown, or what was there at the entry.
  std::map<std::int64_t, Value> stack;

  Value& pointer() { return registers[kStackPointer]; }
};

struct Decoded {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

// Which of the sixteen general registers a name is a part of; -1: none.
int register_number(ZydisRegister name);

class Effects {
 public:
  // The choices must outlive it and all values.
  explicit Effects(Choices& choices) : choices_(choices) {}

  // Where a function is entered.
  State entered_at(std::uint64_t entry) const;
  // Where two ways meet: false if `state` says the same as before.
  bool join(State& state, const State& other) const;
  // An instruction at `at` that is no jump, call or system call.
  void apply(const Decoded& found, std::uint64_t at, State& state);
  // A called function may have changed what it may change.
  void forget_scratch(State& state) const;

  // Whether others may know where the frame is. Once true, what was computed
  // before says too much: start again.
  bool escaped() const { return escaped_; }

 private:
  Value some(Choice choice) const;
  Value constant(std::uint64_t number) const;
  bool join(Value& value, const Value& other) const;
  void push(const Decoded& found, State& state);
  void pop(const Decoded& found, State& state);
  static void move_pointer(State& state, std::int64_t by);
  static void write_stack(State& state, std::int64_t above, const Value& value);
  Value read_stack(const State& state, std::int64_t above) const;
  Value slot(const State& state, std::uint64_t entry,
             std::int64_t offset) const;
  static std::optional<std::int64_t> frame_offset(
      const ZydisDecodedOperand& operand, const State& state);
  Value read(const ZydisDecodedOperand& operand, const State& state) const;
  Value narrowed(const Value& value, unsigned bits) const;
  template <class Change>
  Value mapped(const Value& value, Change change) const;
  void write(const ZydisDecodedOperand& operand, const Value& value,
             State& state);
  void write_part(Value& whole, const ZydisDecodedOperand& operand,
                  const Value& value) const;
  static void erase_around(State& state, std::int64_t offset,
                           std::int64_t bytes);
  void escape();
  Value address_of(const ZydisDecodedOperand& operand, std::uint64_t next,
                   const State& state) const;
  template <class Operation>
  Value combine(const Value& left, const Value& right,
                Operation operation) const;
  Value add(const Value& left, const Value& right) const;
  Value table_entry(const ZydisDecodedOperand& operand,
                    const State& state) const;
  void compute(const Decoded& found, std::uint64_t at, State& state);
  static bool same_register(const ZydisDecodedOperand& left,
                            const ZydisDecodedOperand& right);
  void move_signed(const ZydisDecodedOperand& into,
                   const ZydisDecodedOperand& from, State& state);
  void subtract(const ZydisDecodedOperand& into,
                const ZydisDecodedOperand& from, State& state);
  void set_byte(const ZydisDecodedOperand& into, State& state) const;
  void forget_written(const Decoded& found, State& state);

  Choices& choices_;
  bool escaped_ = false;
};

}  // namespace vambrace::elf
