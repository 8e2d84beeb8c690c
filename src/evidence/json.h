#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "evidence/evidence.h"

namespace vambrace::evidence {

constexpr std::string_view kSchema = "vambrace.evidence/v1";

// Canonical JSON: equal evidence, equal bytes. docs/formats/evidence.md.
std::string print(const Evidence& evidence);

// InvalidInput, with the place, for anything print() would not write: another
// schema version, unknown keys, totals that are not the sum of their shares,
// unsorted or double entries, recordings that facts name but the list lacks.
Result<Evidence> parse(std::string_view text);

// "CAP_NET_RAW", or "capability_41" for a number without a name.
std::string capability_label(std::uint32_t number);

}  // namespace vambrace::evidence
