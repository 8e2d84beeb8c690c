#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/apparmor/pattern.h"

// The steps from a pattern's text to the expression that is matched. They are
// apart because AppArmor takes them one after the other, and what one leaves
// the next one reads: a variable's value is text to the step after it.
namespace vambrace::policy::apparmor {

// An escape after its backslash: the byte it stands for and where it ends.
struct Escape {
  unsigned char byte = 0;
  std::size_t end = 0;
};
// nullopt: the character after the backslash begins none.
std::optional<Escape> read_escape(std::string_view text, std::size_t at);

// What stands before the first character with a meaning of its own: every match
// begins so, but for the last character, which may belong to what follows (a
// slash that is joined with the next).
std::string_view plain_start(std::string_view pattern);

// Replaces escapes by their bytes, except those that patterns use.
std::string replace_escapes(std::string_view text);

// Replaces each "@{NAME}".
Result<std::string> replace_variables(std::string text,
                                      const Variables& variables);

// Leaves one slash of several, and two at the start.
std::string join_slashes(std::string_view text);

// One sign of the expression: a byte that stands for itself, or one of ( | ) [
// ^ - ] * with its meaning.
struct Sign {
  char c = 0;
  bool special = false;
};
Result<std::vector<Sign>> read_signs(std::string_view text);

}  // namespace vambrace::policy::apparmor
