#include "elf/value_math.h"

#include <algorithm>

namespace vambrace::elf {

Value ValueMath::some(Choice choice) const {
  const Choice* kept = choices_.keep(std::move(choice));
  return kept == nullptr ? Value{}
                         : Value{.kind = Value::Kind::Some, .choice = kept};
}

Value ValueMath::constant(std::uint64_t number) const {
  return {.kind = Value::Kind::Some, .choice = choices_.constant(number)};
}

// False if it says the same as before.
bool ValueMath::join(Value& value, const Value& other) const {
  if (value.kind == Value::Kind::Unknown || value == other) {
    return false;
  }
  Value joined;
  if (value.kind == Value::Kind::Some && other.kind == Value::Kind::Some) {
    if (std::ranges::includes(value.choice->constants,
                              other.choice->constants) &&
        std::ranges::includes(value.choice->origins, other.choice->origins)) {
      return false;
    }
    Choice both = *value.choice;
    both.constants.insert(both.constants.end(), other.choice->constants.begin(),
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

Value ValueMath::narrowed(const Value& value, unsigned bits) const {
  if (bits >= 64 || value.kind != Value::Kind::Some) {
    return value;
  }
  return mapped(value,
                [&](std::uint64_t number) { return truncated(number, bits); });
}

Value ValueMath::add(const Value& left, const Value& right) const {
  if (const auto number = right.constant()) {
    const auto by = static_cast<std::int64_t>(*number);
    if (left.kind == Value::Kind::Frame) {
      Value moved = left;
      moved.number += by;
      return moved;
    }
    if (left.kind == Value::Kind::Table && left.number == by) {
      return of_kind(Value::Kind::Place, left.number);
    }
    if (by == 0) {
      return left;
    }
  }
  if (left.is_constant() && right.kind == Value::Kind::Table) {
    return add(right, left);
  }
  return combine(left, right,
                 [](std::uint64_t a, std::uint64_t b) { return a + b; });
}

}  // namespace vambrace::elf
