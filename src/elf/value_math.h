#pragma once

#include "elf/state.h"
#include "elf/values.h"

// Computing with abstract values, whatever the architecture.
namespace vambrace::elf {

class ValueMath {
 public:
  // The choices must outlive it and all values.
  explicit ValueMath(Choices& choices) : choices_(choices) {}

  // Whether others may know where the frame is. Once true, what was computed
  // before says too much: start again.
  bool escaped() const { return escaped_; }

  // Where a function is entered. The first `handed` registers hold what the
  // caller left in them.
  template <class State>
  State entered(std::uint64_t entry, std::size_t handed) const {
    State state;
    for (std::size_t i = 0; i < handed; ++i) {
      state.registers[i] =
          some({.origins = {{entry, false, static_cast<std::int64_t>(i)}}});
    }
    state.pointer() = {.kind = Value::Kind::Frame, .entry = entry};
    state.overwritten = false;
    return state;
  }

  // Where two ways meet: false if the first says the same as before.
  template <class State>
  bool join_states(State& state, const State& other) const {
    bool changed = false;
    for (std::size_t i = 0; i < state.registers.size(); ++i) {
      changed |= join(state.registers[i], other.registers[i]);
    }
    return join_stacks(state, other) || changed;
  }

 protected:
  static Value of_kind(Value::Kind kind, std::int64_t number) {
    return {.kind = kind, .number = number};
  }
  static std::uint64_t truncated(std::uint64_t number, unsigned bits) {
    return bits >= 64 ? number : number & ((1ULL << bits) - 1);
  }

  Value some(Choice choice) const;
  Value constant(std::uint64_t number) const;
  bool join(Value& value, const Value& other) const;
  // The lowest bits alone. What was handed over in them keeps its meaning.
  Value narrowed(const Value& value, unsigned bits) const;
  Value add(const Value& left, const Value& right) const;

  // With another number for each constant.
  template <class Change>
  Value mapped(const Value& value, Change change) const {
    Choice changed = *value.choice;
    for (std::uint64_t& number : changed.constants) {
      number = change(number);
    }
    return changed == *value.choice ? value : some(std::move(changed));
  }

  // Each constant with each; unknown if there is anything else.
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

  // What stands in the frame. Arguments are what they were at the entry, unless
  // somebody may have written there.
  template <class State>
  Value slot(const State& state, std::uint64_t entry,
             std::int64_t offset) const {
    const auto near = state.stack.lower_bound(offset - 7);
    if (const auto known = state.stack.find(offset);
        known != state.stack.end()) {
      return known->second;
    }
    const bool written = state.overwritten || (near != state.stack.end() &&
                                               near->first < offset + 8);
    return offset >= State::kArguments && !escaped_ && !written
               ? some({.origins = {{entry, true, offset}}})
               : Value{};
  }

  // From here on others may know where the frame is.
  void escape() { escaped_ = true; }

 private:
  // An argument that one way wrote and the other left alone is unknown.
  template <class State>
  bool join_stacks(State& state, const State& other) const {
    bool changed = other.overwritten && !state.overwritten;
    for (auto slot = state.stack.begin(); slot != state.stack.end();) {
      const auto theirs = other.stack.find(slot->first);
      if (theirs != other.stack.end()) {
        changed |= join((slot++)->second, theirs->second);
      } else if (slot->first < State::kArguments) {
        slot = state.stack.erase(slot);
        changed = true;
      } else {
        changed |= join((slot++)->second, Value{});
      }
    }
    for (auto theirs = other.stack.lower_bound(State::kArguments - 7);
         theirs != other.stack.end(); ++theirs) {
      // What was not here may be an argument.
      changed |= state.stack.try_emplace(theirs->first).second;
    }
    state.overwritten = state.overwritten || other.overwritten;
    return changed;
  }

  Choices& choices_;
  bool escaped_ = false;
};

}  // namespace vambrace::elf
