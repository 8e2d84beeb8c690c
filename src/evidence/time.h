#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "evidence/evidence.h"

namespace vambrace::evidence {

// RFC 3339, UTC, microseconds: "2026-01-31T09:30:00.000250Z". Instants outside
// the years 0000 to 9999 are cut to the nearest one inside.
std::string format_time(Instant instant);
void append_time(std::string& out, Instant instant);

// Exactly what format_time writes; nullopt for anything else.
std::optional<Instant> parse_time(std::string_view text);

}  // namespace vambrace::evidence
