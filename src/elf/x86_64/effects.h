#pragma once

#include <Zydis/Zydis.h>

#include <optional>

#include "elf/state.h"
#include "elf/value_math.h"

// What single instructions of x86-64 do to abstract values (elf/values.h).
namespace vambrace::elf::x86_64 {

constexpr std::size_t kStackPointer = 4;
constexpr std::size_t kFramePointer = 5;

// Above the return address stand arguments.
using State = elf::State<16, kStackPointer, 8>;

struct Decoded {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

// Which of the sixteen general registers a name is a part of; -1: none.
int register_number(ZydisRegister name);

class Effects : public ValueMath {
 public:
  using ValueMath::ValueMath;

  // An instruction at `at` that is no jump, call or system call.
  void apply(const Decoded& found, std::uint64_t at, State& state);
  // A called function may have changed what it may change.
  void forget_scratch(State& state) const;
  // What the instruction writes is not known.
  void forget_written(const Decoded& found, State& state);

 private:
  void push(const Decoded& found, State& state);
  void pop(const Decoded& found, State& state);
  void write_stack(State& state, std::int64_t above, const Value& value);
  Value read_stack(const State& state, std::int64_t above) const;
  static std::optional<std::int64_t> frame_offset(
      const ZydisDecodedOperand& operand, const State& state);
  Value read(const ZydisDecodedOperand& operand, const State& state) const;
  void write(const ZydisDecodedOperand& operand, const Value& value,
             State& state);
  void write_part(Value& whole, const ZydisDecodedOperand& operand,
                  const Value& value) const;
  Value address_of(const ZydisDecodedOperand& operand, std::uint64_t next,
                   const State& state) const;
  Value table_entry(const ZydisDecodedOperand& operand,
                    const State& state) const;
  void compute(const Decoded& found, std::uint64_t at, State& state);
  static bool names_frame(const ZydisDecodedOperand& operand,
                          const State& state);
  void note_escape(const Decoded& found, const State& state);
  static bool same_register(const ZydisDecodedOperand& left,
                            const ZydisDecodedOperand& right);
  void move_signed(const ZydisDecodedOperand& into,
                   const ZydisDecodedOperand& from, State& state);
  void subtract(const ZydisDecodedOperand& into,
                const ZydisDecodedOperand& from, State& state);
  void set_byte(const ZydisDecodedOperand& into, State& state);
};

}  // namespace vambrace::elf::x86_64
