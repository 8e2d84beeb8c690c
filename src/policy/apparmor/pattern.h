#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vambrace::policy::apparmor {

// "@{HOME}" in a pattern stands for each value of "HOME". Values are patterns
// and may use other variables.
using Variables = std::map<std::string, std::vector<std::string>, std::less<>>;

// What a pattern may be: longer texts and larger machines are refused.
inline constexpr std::size_t kMaxPatternText = 64 * 1024;
inline constexpr std::size_t kMaxPatternDepth = 49;

// A file pattern of AppArmor, matched as the kernel matches what
// apparmor_parser 3.0.8 makes of it:
//
//   ?         one byte, not a slash
//   *         any bytes, none a slash; at least one where it is the whole of a
//             path component
//   **        any bytes; at least one after a slash that nothing but another
//             slash, or nothing, follows
//   [a-z]     one byte of the class, [^a-z] one byte not of it: that may be a
//             slash
//   {a,b,}    any one of the alternatives, which may hold patterns
//   \*        the character itself; \101, \x41 and \d65 are a byte by its
//   value,
//             \a \e \f \n \r \t \\ \" as in C
//   @{NAME}   a variable: several values are alternatives
//
// Slashes in a row count as one, save two at the start. A directory's path ends
// in a slash and matches only patterns that do. Bytes are bytes: ? is not a
// whole character of UTF-8.
//
// Some patterns mean something else than they seem to, and do so here, too: a *
// or ? in a class is a pattern there, \^ at its start negates it, \- is a
// range.
class Pattern {
 public:
  // The text as it stands between quotes in a profile. InvalidInput, with the
  // reason, where apparmor_parser refuses it, a variable is unknown or uses
  // itself, or a limit is passed.
  static Result<Pattern> parse(std::string_view text,
                               const Variables& variables = {});

  // Takes time in proportion to the path's length times the pattern's.
  bool matches(std::string_view path) const;

 private:
  friend bool overlap(const Pattern& one, const Pattern& other);
  friend class PatternBuilder;
  friend class PatternSearch;

  using Bytes = std::bitset<256>;
  // A state either takes one byte of a set and goes on to `next`, or goes on to
  // `next` and `other` without one. The last state accepts.
  struct State {
    std::int32_t set = -1;
    std::uint32_t next = 0;
    std::uint32_t other = 0;
  };

  // Adds the states reached without a byte to a list without repetitions.
  void reach(std::uint32_t state, std::vector<std::uint32_t>& found,
             std::vector<bool>& seen) const;

  std::vector<State> states_;
  std::vector<Bytes> sets_;
  std::uint32_t start_ = 0;
  std::uint32_t accept_ = 0;
};

// Whether some path matches both. For patterns whose machines multiply to more
// than a few million steps the answer is yes.
bool overlap(const Pattern& one, const Pattern& other);

// The shortest path that one matches and none of the others does; nullopt:
// whatever it matches, one of the others matches, too. The empty text where
// the machines are too large to tell.
std::optional<std::string> beyond(const Pattern& one,
                                  std::span<const Pattern* const> others);

}  // namespace vambrace::policy::apparmor
