#include "policy/apparmor/shape.h"

#include "policy/apparmor/quote.h"

namespace vambrace::policy::apparmor {
namespace {

// A piece taken apart: one byte, which may be left out or come again.
struct Unit {
  Bytes bytes;
  bool optional = false;
  bool again = false;
};

std::vector<Unit> units(std::span<const Piece> pieces) {
  std::vector<Unit> out;
  for (const Piece& piece : pieces) {
    out.insert(out.end(), piece.min, Unit{.bytes = piece.bytes});
    if (piece.max == 0) {
      out.push_back({.bytes = piece.bytes, .optional = true, .again = true});
    } else if (piece.max > piece.min) {
      out.insert(out.end(), piece.max - piece.min,
                 Unit{.bytes = piece.bytes, .optional = true});
    }
  }
  return out;
}

// Follows two lists of units at once. Each pair of places is looked at once, so
// the time is bounded by the product of the lengths.
class Pairs {
 public:
  Pairs(std::vector<Unit> a, std::vector<Unit> b)
      : a_(std::move(a)),
        b_(std::move(b)),
        seen_((a_.size() + 1) * (b_.size() + 1), false) {}

  bool ends_together() {
    push(0, 0);
    while (!open_.empty()) {
      const auto [i, j] = open_.back();
      open_.pop_back();
      if (i == a_.size() && j == b_.size()) {
        return true;
      }
      if (i < a_.size() && a_[i].optional) {
        push(i + 1, j);
      }
      if (j < b_.size() && b_[j].optional) {
        push(i, j + 1);
      }
      if (i < a_.size() && j < b_.size() && (a_[i].bytes & b_[j].bytes).any()) {
        push(a_[i].again ? i : i + 1, b_[j].again ? j : j + 1);
      }
    }
    return false;
  }

 private:
  void push(std::size_t i, std::size_t j) {
    const std::size_t place = i * (b_.size() + 1) + j;
    if (!seen_[place]) {
      seen_[place] = true;
      open_.emplace_back(i, j);
    }
  }

  std::vector<Unit> a_;
  std::vector<Unit> b_;
  std::vector<bool> seen_;
  std::vector<std::pair<std::size_t, std::size_t>> open_;
};

Bytes range(unsigned char from, unsigned char to) {
  Bytes out;
  for (unsigned byte = from; byte <= to; ++byte) {
    out.set(byte);
  }
  return out;
}

}  // namespace

Shape& Shape::operator+=(const Shape& next) {
  text += next.text;
  pieces.insert(pieces.end(), next.pieces.begin(), next.pieces.end());
  return *this;
}

Bytes one_of(std::string_view bytes) {
  Bytes out;
  for (const char byte : bytes) {
    out.set(static_cast<unsigned char>(byte));
  }
  return out;
}

Bytes digits() {
  static const Bytes kBytes = range('0', '9');
  return kBytes;
}

Bytes hex_digits() {
  static const Bytes kBytes = digits() | range('a', 'f') | range('A', 'F');
  return kBytes;
}

Bytes alphanumerics() {
  static const Bytes kBytes = digits() | range('a', 'z') | range('A', 'Z');
  return kBytes;
}

Bytes no_slash() {
  static const Bytes kBytes = any_byte() & ~one_of("/");
  return kBytes;
}

// No path has a NUL.
Bytes any_byte() {
  static const Bytes kBytes = range(1, 255);
  return kBytes;
}

Shape literal(std::string_view bytes) {
  Shape out{.text = pattern_of(bytes), .pieces = {}};
  out.pieces.reserve(bytes.size());
  for (const char byte : bytes) {
    out.pieces.push_back({.bytes = one_of({&byte, 1})});
  }
  return out;
}

Shape any_name() {
  return {.text = "*", .pieces = {{.bytes = no_slash(), .min = 1, .max = 0}}};
}

Shape any_below() {
  return {.text = "**",
          .pieces = {{.bytes = no_slash()},
                     {.bytes = any_byte(), .min = 0, .max = 0}}};
}

std::string fixed_start(std::span<const Piece> pattern) {
  std::string out;
  for (const Piece& piece : pattern) {
    const std::size_t byte = piece.bytes._Find_first();
    const bool alone = byte < piece.bytes.size() &&
                       piece.bytes._Find_next(byte) == piece.bytes.size();
    if (piece.min != 1 || piece.max != 1 || !alone) {
      break;
    }
    out += static_cast<char>(byte);
  }
  return out;
}

bool matches(std::span<const Piece> pattern, std::string_view bytes) {
  // Most names differ from most patterns in what is fixed at the start.
  while (!pattern.empty() && pattern.front().min == 1 &&
         pattern.front().max == 1) {
    if (bytes.empty() || !pattern.front().bytes.test(
                             static_cast<unsigned char>(bytes.front()))) {
      return false;
    }
    pattern = pattern.subspan(1);
    bytes.remove_prefix(1);
  }
  std::vector<Unit> fixed;
  for (const char byte : bytes) {
    fixed.push_back({.bytes = one_of({&byte, 1})});
  }
  return Pairs(units(pattern), std::move(fixed)).ends_together();
}

bool overlap(std::span<const Piece> a, std::span<const Piece> b) {
  return Pairs(units(a), units(b)).ends_together();
}

}  // namespace vambrace::policy::apparmor
