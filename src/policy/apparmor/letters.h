#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "policy/apparmor/shape.h"

// Parts of a name, told by their letters.
namespace vambrace::policy::apparmor {

// Digits of a number of 64 bits at most.
inline constexpr std::size_t kMaxDigits = 20;
inline constexpr std::size_t kMaxHexDigits = 16;

bool all_in(std::string_view text, const Bytes& bytes);  // and not empty
bool is_number(std::string_view text);
bool is_alphanumeric(char byte);

// The longest start of a text whose bytes are all in the set.
std::string_view leading(std::string_view text, const Bytes& bytes);

// How often the class of letter (lower, upper, digit) changes. A word or a
// word with a number has one change at most; six letters drawn by lot have
// three in the mean.
unsigned changes(std::string_view text);

// Eight hexadecimal digits or more that are neither a word nor a number.
bool looks_hexadecimal(std::string_view text);

// Six to sixteen letters and digits that nobody would choose.
bool looks_random(std::string_view text);

// A date at the start of the text, in one of the usual layouts.
struct Part {
  Shape shape;
  std::size_t length = 0;
};
std::optional<Part> leading_date(std::string_view text);

bool leads_with_uuid(std::string_view text);

}  // namespace vambrace::policy::apparmor
