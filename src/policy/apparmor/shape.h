#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What a pattern matches, as far as generalization needs it: the patterns that
// it writes itself, and the table of sensitive paths.
namespace vambrace::policy::apparmor {

using Bytes = std::bitset<256>;

// Bytes out of a set, `min` to `max` times; max 0: without limit.
struct Piece {
  Bytes bytes;
  std::uint8_t min = 1;
  std::uint8_t max = 1;
  bool operator==(const Piece&) const = default;
};

// Part of a pattern: its AppArmor text and exactly what that text matches.
struct Shape {
  std::string text;
  std::vector<Piece> pieces;

  Shape& operator+=(const Shape& next);
  bool operator==(const Shape&) const = default;
};

Bytes one_of(std::string_view bytes);
Bytes digits();
Bytes hex_digits();
Bytes alphanumerics();
Bytes no_slash();
Bytes any_byte();  // but NUL, which no path has

// These bytes and nothing else.
Shape literal(std::string_view bytes);

// The whole name of a file, any at all; with `below` also everything in it if
// it is a directory. The pattern texts are * and ** after a slash, which
// AppArmor never takes as an empty name.
Shape any_name();
Shape any_below();

// The bytes that every match starts with.
std::string fixed_start(std::span<const Piece> pattern);

// Does the pattern match these bytes, all of them?
bool matches(std::span<const Piece> pattern, std::string_view bytes);

// Is there a text that both match? Exact, no guess.
bool overlap(std::span<const Piece> a, std::span<const Piece> b);

}  // namespace vambrace::policy::apparmor
