#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evidence/evidence.h"
#include "policy/policy.h"
#include "policy/stage.h"
#include "runtime/target.h"

namespace vambrace::policy::capabilities {

struct Reduced {
  std::vector<CapabilityRule> rules;   // sorted by number
  std::vector<CapabilityNoise> noise;  // sorted
};

// What the workload was granted and needed, starting from none: granted checks
// by app, helpers and probes that are not noise. A bind to a port below 1024
// counts as a need for NET_BIND_SERVICE even if that host did not ask; only
// the target decides whether it is granted. With `heal`, refused checks count
// as well.
Reduced reduce(const evidence::Evidence& evidence, bool heal);

// Whether the kernel, refusing this capability during a call, asks for
// DAC_OVERRIDE next, which does as well: it does so for DAC_READ_SEARCH
// (fs/namei.c, generic_permission), but in open_by_handle_at.
bool asks_again(std::uint32_t number, std::string_view call);

// Whether the target asks for the capability that this rule grants: Docker
// opens the low ports to everybody inside.
bool needed_on(const CapabilityRule& rule, const runtime::Target& target);

// The capability set as a target gets it.
struct Grant {
  std::string target;
  Stage stage = Stage::Harden;
  std::set<std::uint32_t> add;      // beginning from none
  std::set<std::uint32_t> refused;  // seen, but a waiver is missing
  auto operator<=>(const Grant&) const = default;
};

// In harden, a high-risk capability is granted only if it is in `waived`.
Grant render(const Policy& policy, const runtime::Target& target, Stage stage,
             const std::set<std::uint32_t>& waived);

// Schema vambrace.capabilities/v1.
constexpr std::string_view kSchema = "vambrace.capabilities/v1";
std::string print(const Grant& grant);
Result<Grant> parse(std::string_view text);

}  // namespace vambrace::policy::capabilities
