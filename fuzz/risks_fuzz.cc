#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "policy/advisories.h"
#include "policy/risk_json.h"

// A table of risks that parses prints to what parses to the same. Whatever it
// says, what it leaves out is unknown, and granting everything closes nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace policy = vambrace::policy;
  const auto table = policy::parse_risks(
      std::string_view(reinterpret_cast<const char*>(data), size));
  if (!table) {
    CHECK(!table.error().message().empty());
    return 0;
  }
  const auto again = policy::parse_risks(policy::print_risks(*table));
  CHECK(again.has_value() && *again == *table);

  policy::Grants all;
  for (const auto& [name, risk] : policy::builtin_risks().syscalls) {
    all.calls[name] = {};
    const policy::GrantRisk grant = policy::risk_of_grant(*table, name, {});
    const bool told = table->syscalls.contains(name) ||
                      std::ranges::any_of(grant.values, [](const auto* one) {
                        return one->risk.level == policy::RiskClass::High;
                      });
    CHECK(told || grant.level == policy::RiskClass::Unknown);
  }
  CHECK(policy::advisories_beyond(*table, all).empty());
  const policy::AdvisoryCounts counts = policy::count_advisories(*table, all);
  CHECK(counts.open + counts.unmapped == table->advisories.size());
  for (const auto& [pattern, risk] : table->paths) {
    (void)policy::risk_of_path(*table, pattern);
  }
  return 0;
}
