#pragma once

#include <optional>

#include "elf/aarch64/words.h"
#include "elf/state.h"
#include "elf/value_math.h"

// What single instructions of aarch64 do to abstract values (elf/values.h).
namespace vambrace::elf::aarch64 {

// x0 to x30, and the stack pointer.
// Arguments stand where the stack pointer was.
using State = elf::State<32, kStackPointer, 0>;

class Effects : public ValueMath {
 public:
  using ValueMath::ValueMath;

  // An instruction at `at` that is no branch, call or system call.
  void apply(Word word, std::uint64_t at, const Image& image, State& state);
  // A called function may have changed what it may change.
  void forget_scratch(State& state) const;

 private:
  // A register, where its number 31 is zero, and where it is the stack pointer.
  Value read(const State& state, unsigned number, bool wide) const;
  Value read_or_pointer(const State& state, unsigned number, bool wide) const;
  void write(State& state, unsigned number, bool wide, const Value& value);
  void write_or_pointer(State& state, unsigned number, bool wide,
                        const Value& value);
  void compute_immediate(Word word, std::uint64_t at, State& state);
  void compute_registers(Word word, State& state);
  Value logical(Word word, const Value& left, const Value& right) const;
  Value bit_field(Word word, const Value& from) const;
  Value selected(Word word, const State& state) const;
  Value shifted(Word word, const State& state) const;
  void note_escape(Word word, const State& state);
  void access(const Access& access, State& state);
  Value loaded(const Access& access, const State& state,
               std::int64_t offset) const;
  void store(const Access& access, State& state, std::int64_t offset,
             unsigned from);
  void load_literal(Word word, std::uint64_t at, const Image& image,
                    State& state);
  void forget(RegisterSet registers, State& state) const;
};

}  // namespace vambrace::elf::aarch64
