#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "elf/image.h"

// What registers hold at the places of a function that matter: where it enters
// the kernel, and where it hands on to another function.
//
// How a system call is tied to its number: compilers write it as an immediate
// shortly before the instruction, or hand it down through functions such as
// syscall(3), whose parameter it is. So each function that enters the kernel is
// run with abstract values: a small set of constants, "what the register held
// at the entry", "what stood on the stack at the entry", an address of the
// frame, or unknown. Where paths meet, sets are joined. What was there at the
// entry is then looked up at the places that lead to it (site_values.h). What
// is neither is a gap, never a guess.
namespace vambrace::elf {

// As many as may be handed over, by the numbers that the architecture gives
// them: all of x86-64, x0 to x15 of aarch64.
constexpr std::size_t kRegisters = 16;
constexpr std::size_t kMaxConstants = 32;
constexpr std::size_t kMaxOrigins = 8;

// What was at an entry of the function: in a register, or on the stack.
struct Origin {
  std::uint64_t entry = 0;  // the address where the function was entered
  bool stack = false;
  // The register's number, or the distance from the stack pointer.
  std::int64_t number = 0;
  auto operator<=>(const Origin&) const = default;
};

// One of these: constants, or what was at an entry. Each sorted, not both
// empty.
struct Choice {
  std::vector<std::uint64_t> constants;  // at most kMaxConstants
  std::vector<Origin> origins;           // at most kMaxOrigins
  auto operator<=>(const Choice&) const = default;
};

// Keeps each choice once, so that values are small and compare by address. What
// it returns lives as long as it does. Thread rule: one thread.
class Choices {
 public:
  // nullptr for more than a choice may have, and for none.
  const Choice* keep(Choice choice);
  // The same of one constant, which most are.
  const Choice* constant(std::uint64_t number);

 private:
  std::set<Choice> known_;
  std::unordered_map<std::uint64_t, const Choice*> constants_;
};

struct Value {
  enum class Kind : std::uint8_t {
    Unknown,
    Some,   // one of `choice`
    Frame,  // the stack pointer at the entry plus `number`
    Table,  // a number read from a table of distances at `number`
    Place,  // an address computed from such a number
  };
  Kind kind = Kind::Unknown;
  std::int64_t number = 0;
  std::uint64_t entry = 0;         // of a Frame
  const Choice* choice = nullptr;  // of Some alone
  bool operator==(const Value&) const = default;

  // Whether it is constants alone.
  bool is_constant() const {
    return kind == Kind::Some && choice->origins.empty();
  }
  // The only one that it can be.
  std::optional<std::uint64_t> constant() const {
    return is_constant() && choice->constants.size() == 1
               ? std::optional(choice->constants.front())
               : std::nullopt;
  }
};

struct Moment {
  std::uint64_t address = 0;
  bool kernel = false;  // a system call; else a call or a jump out
  // Stands for all moments of a function that was not followed, at its
  // beginning: any of its calls may have any value.
  bool given_up = false;
  // Of a call: where it goes, or the slot that says so; 0: a pointer in a
  // register.
  std::uint64_t target = 0;
  bool through_slot = false;
  std::array<Value, kRegisters> registers;
  // By their distance from the stack pointer that the called function begins
  // with; of a system call, from this function's own.
  std::map<std::int64_t, Value> stack;
};

enum class Back : std::uint8_t {
  Never,
  Once,
  Again,  // later, too, when the frame has changed: setjmp(3), vfork(2)
};

// How a call comes back: of its target, or of the slot that says it.
using Returns = std::function<Back(std::uint64_t target, bool through_slot)>;

// What following values may cost before it is given up: files may be made to
// take forever. In steps, of which a second has some millions.
struct Effort {
  std::uint64_t left = 60'000'000;
  // False once nothing is left.
  bool spend(std::uint64_t steps) {
    left -= std::min(left, steps);
    return left > 0;
  }
};

// By block, in the order of addresses. The function may be entered at its
// beginning and at the other `entries`. Functions that are too large are not
// followed, nor those for which no effort is left. The values live as long as
// the choices.
std::vector<Moment> find_moments(const Image& image, const Range& bounds,
                                 std::span<const std::uint64_t> entries,
                                 const Returns& returns, Choices& choices,
                                 Effort& effort);

}  // namespace vambrace::elf
