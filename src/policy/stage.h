#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vambrace::policy {

// Where a policy stands on its way to being enforced.
enum class Stage : std::uint8_t {
  Observe,  // everything allowed; what the policy would deny is logged
  Allow,    // the policy and low-risk extras; high-risk denied; the rest logged
  Harden,   // only the policy
};

std::string_view to_string(Stage stage);  // "observe", "allow", "harden"
std::optional<Stage> stage_from(std::string_view name);

}  // namespace vambrace::policy
