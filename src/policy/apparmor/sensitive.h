#pragma once

#include <span>
#include <string_view>

#include "policy/apparmor/pattern.h"
#include "policy/apparmor/shape.h"

// Paths that only an observation of that very path may open. Whatever hides a
// secret, rules the host or undoes the confinement is here, with the reason, as
// far as we know of it: a table is never whole.
// The table of risks that ships (policy/risk.h) has each of them, as high and
// with sources.
namespace vambrace::policy::apparmor {

struct Sensitive {
  // A path with * for any name or part of one. It stands for itself and for
  // everything below it.
  std::string_view prefix;
  std::string_view reason;
};

std::span<const Sensitive> sensitive_paths();

// The first entry that has a path in common with the pattern; null: none has.
const Sensitive* touched(std::span<const Piece> pattern);

// The same for any pattern of AppArmor's.
const Sensitive* touched(const Pattern& pattern);

// Whether a name looks like that of a key or of passwords, wherever it is: what
// lies beside such a file may be secret, too. A guess, which the table is not.
bool looks_secret(std::string_view name);

// False only if no pattern whose matches all begin so has one: for a look
// before the pieces of a pattern are put together.
bool may_touch(std::string_view start);

}  // namespace vambrace::policy::apparmor
