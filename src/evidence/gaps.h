#pragma once

#include <span>
#include <string_view>

namespace vambrace::evidence {

// One kind of gap: its stable word, what it means and what to do about it.
struct GapKind {
  std::string_view kind;
  std::string_view meaning;
  std::string_view advice;
};

// All kinds that this version writes, sorted by name.
std::span<const GapKind> gap_kinds();

// What to do about a gap; a general answer for kinds not known here.
std::string_view advice(std::string_view kind);

}  // namespace vambrace::evidence
