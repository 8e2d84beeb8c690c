#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/advisories.h"
#include "policy/apparmor/pattern.h"
#include "policy/policy.h"
#include "policy/risk.h"
#include "review/review.h"

// What a table of risks says of single grants and of all of them together.
namespace vambrace::review {

class Risks {
 public:
  // The table must outlive it.
  explicit Risks(const policy::RiskTable& table);

  // What granting this call with these arguments opens; empty: any arguments.
  Risk of_call(std::string_view name,
               const std::set<policy::ArgTuple>& args) const;
  Risk of_capability(std::uint32_t number) const;
  // The worst of what the pattern reaches and of what may be done there.
  Risk of(const policy::FileRule& rule) const;
  Risk of(const policy::SocketRule& rule) const;
  Risk of(const policy::SignalRule& rule) const;
  Risk of(const policy::MountRule& rule) const;
  Risk of(const policy::TraceRule& rule) const;

  // As policy::covering.
  std::span<const std::string> covering(std::string_view name) const {
    return policy::covering(table_, name);
  }
  // Whether a call, with any arguments, is a step to an advisory that nothing
  // granted takes.
  bool leads_further(std::string_view name, const policy::Grants& grants) const;

  // Each advisory of the table, in its order.
  std::vector<Advisory> advisories(const policy::Grants& grants) const;
  const std::string& version() const { return table_.version; }

 private:
  struct Place {
    std::string fixed;  // what every path below begins with
    policy::apparmor::Pattern pattern;
    const policy::Risk* risk = nullptr;
  };
  Risk of_kind(std::string_view kind) const;

  const policy::RiskTable& table_;
  std::vector<Place> places_;
};

}  // namespace vambrace::review
