#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/policy.h"

// Optional widenings for another libc or architecture than the recorded one.
namespace vambrace::policy {

struct Closures {
  // Grants the calls by which another libc or a newer one does the same.
  bool resilient_libc = false;
  // Translates the rules to another table, on top of the recorded ones.
  bool aarch64 = false;
  auto operator<=>(const Closures&) const = default;
};

// "resilient libc", "arch aarch64". InvalidInput for other words.
Result<Closures> parse_closures(const std::vector<std::string>& words);

// Sets of calls that one libc or another uses for the same job; a call may be
// in several.
std::span<const std::vector<std::string_view>> equivalents();

// Adds to each recorded architecture the equivalents of what is granted there,
// each with its reason. A call that is granted with pinned arguments brings its
// equivalents only where those can be pinned alike. Returns the number of calls
// added: the closure's cost.
std::size_t close_over_libc(Policy& policy);

// Adds aarch64 rules for the x86_64 ones: the same name where that table has
// it, its replacement otherwise (open -> openat). What has neither becomes a
// finding. Returns the number of rules added.
std::size_t translate_to_aarch64(Policy& policy);

}  // namespace vambrace::policy
