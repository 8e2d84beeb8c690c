#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>

#include "elf/values.h"

namespace vambrace::elf {

// What registers and the frame hold at one place of a function. `Count`
// registers, of which number `Pointer` is the stack pointer.
template <std::size_t Count, std::size_t Pointer>
struct State {
  std::array<Value, Count> registers;
  // What stands in the frame, by the distance from the stack pointer at the
  // entry. What is not here is unknown, or what was there at the entry.
  std::map<std::int64_t, Value> stack;

  Value& pointer() { return registers[Pointer]; }
  const Value& pointer() const { return registers[Pointer]; }

  void move_pointer(std::int64_t by) {
    if (pointer().kind == Value::Kind::Frame) {
      pointer().number += by;
    }
  }

  // So many bytes of the frame are overwritten.
  void erase_around(std::int64_t offset, std::int64_t bytes) {
    stack.erase(stack.lower_bound(offset - 7),
                stack.lower_bound(offset + std::max<std::int64_t>(bytes, 1)));
  }
};

}  // namespace vambrace::elf
