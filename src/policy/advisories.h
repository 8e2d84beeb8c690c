#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"
#include "policy/risk.h"

// Which published vulnerabilities a policy leaves within reach, and which it
// puts out of reach. An answer is about the known paths: a path that nobody has
// written down may exist, and the kernel may have been fixed long ago.
namespace vambrace::policy {

// What a workload may call, by name, whatever the architecture.
struct Grants {
  // Empty tuples: any arguments.
  std::map<std::string, std::set<ArgTuple>, std::less<>> calls;
  // nullopt: not known, so any may be held.
  std::optional<std::set<std::uint32_t>> capabilities;
};

// Of all architectures of the policy together. A call without a known name is
// left out: no profile can grant it.
Grants grants_of(const Policy& policy);

// Calls with any arguments, under capabilities that are not known.
Grants grants_of_names(const std::set<std::string>& names);

enum class Exposure : std::uint8_t {
  Open,      // every known path is open
  Narrowed,  // some known paths are refused, not all
  Closed,    // every known path is refused
  Unmapped,  // the table knows no path by a system call, so nothing is told
};

// "open", "narrowed", "closed", "unmapped".
std::string_view to_string(Exposure exposure);

// Needs of advisories that a call with any arguments meets, by itself or as an
// equivalent of others, and that nothing granted meets.
std::size_t needs_met_by(const RiskTable& table, std::string_view syscall,
                         const Grants& grants);

struct AdvisoryStanding {
  const Advisory* advisory = nullptr;  // into the table, which must outlive it
  Exposure exposure = Exposure::Unmapped;
  // What the known paths need and the policy grants or refuses, in words:
  // "socket(AF_PACKET)", "CAP_NET_RAW". Sorted.
  std::vector<std::string> granted;
  std::vector<std::string> refused;
};

AdvisoryStanding standing(const RiskTable& table, const Advisory& advisory,
                          const Grants& grants);

// Those that are Open or Narrowed, in the table's order.
std::vector<AdvisoryStanding> advisories_within(const RiskTable& table,
                                                const Grants& grants);

// The counterpart: those that are Closed. Unmapped ones are in neither.
std::vector<AdvisoryStanding> advisories_beyond(const RiskTable& table,
                                                const Grants& grants);

// Reported together, never one of them alone.
struct AdvisoryCounts {
  std::size_t open = 0;
  std::size_t narrowed = 0;
  std::size_t closed = 0;
  std::size_t unmapped = 0;
  auto operator<=>(const AdvisoryCounts&) const = default;
};
AdvisoryCounts count_advisories(const RiskTable& table, const Grants& grants);

// The advisories with a step by this call, in the table's order.
std::vector<const Advisory*> advisories_by(const RiskTable& table,
                                           std::string_view syscall);

}  // namespace vambrace::policy
