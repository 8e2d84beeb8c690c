#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "policy/policy.h"

namespace vambrace::policy {

constexpr std::string_view kSchema = "vambrace.policy/v1";

// Canonical JSON: equal policies, equal bytes. docs/formats/policy.md.
std::string print(const Policy& policy);

// InvalidInput, with the place, for anything print() would not write: another
// schema version, unknown keys, rules without a reason, unsorted or double
// entries, names that do not belong to their numbers.
Result<Policy> parse(std::string_view text);

// One finding or reason, as every command prints them.
json::Value to_json(const Finding& finding);
json::Value to_json(const Reason& reason);
json::Value to_json(const std::set<ArgTuple>& args);
json::Value to_json(const Needs& needs);

}  // namespace vambrace::policy
