#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/risk.h"

namespace vambrace::policy {

constexpr std::string_view kRisksSchema = "vambrace.risks/v1";

// Canonical JSON: equal tables, equal bytes. docs/formats/risks.md.
std::string print_risks(const RiskTable& table);

// InvalidInput, with line and place, for another schema version, unknown keys,
// names of calls, capabilities or kinds that this version does not know, lists
// that are not sorted or name something twice, an entry without a source, a
// step of an advisory that no entry explains, and more than a table may hold.
Result<RiskTable> parse_risks(std::string_view text);

}  // namespace vambrace::policy
