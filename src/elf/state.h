#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>

#include "elf/values.h"

namespace vambrace::elf {

// What registers and the frame hold at one place of a function. `Count`
// registers, of which number `Pointer` is the stack pointer. Arguments stand in
// the frame from `Arguments` on.
template <std::size_t Count, std::size_t Pointer, std::int64_t Arguments>
struct State {
  static constexpr std::int64_t kArguments = Arguments;

  std::array<Value, Count> registers;
  // What stands in the frame, by the distance from the stack pointer at the
  // entry. What is not here is unknown; an argument is what it was at the entry
  // unless `overwritten`. One that was written with something unknown is here.
  std::map<std::int64_t, Value> stack;
  // Something was written into the frame, and nobody knows where.
  bool overwritten = true;

  Value& pointer() { return registers[Pointer]; }
  const Value& pointer() const { return registers[Pointer]; }

  void move_pointer(std::int64_t by) {
    if (pointer().kind == Value::Kind::Frame) {
      pointer().number += by;
    }
  }

  // So many bytes of the frame are overwritten.
  void erase_around(std::int64_t offset, std::int64_t bytes) {
    const std::int64_t end = offset + std::max<std::int64_t>(bytes, 1);
    for (auto slot = stack.lower_bound(offset - 7);
         slot != stack.end() && slot->first < end;) {
      if (slot->first < kArguments) {
        slot = stack.erase(slot);
      } else {
        (slot++)->second = {};
      }
    }
    // An argument may begin at any of these.
    for (std::int64_t at = offset; at < end && !overwritten; at += 8) {
      if (at > kArguments - 8) {
        stack[at] = {};
      }
    }
  }

  // Any of it may be overwritten.
  void forget_stack() {
    stack.clear();
    overwritten = true;
  }
};

}  // namespace vambrace::elf
