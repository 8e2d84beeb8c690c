#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"
#include "review/review.h"

// What the table of risks says of grants and of a policy.
namespace vambrace::review {

class Risks {
 public:
  // What granting this call with these arguments opens; empty: any arguments.
  Risk of_call(std::string_view name,
               const std::set<policy::ArgTuple>& args) const;
  Risk of_capability(std::uint32_t number) const;
  Risk of(const policy::FileRule& rule) const;
  Risk of(const policy::SocketRule& rule) const;
  Risk of(const policy::SignalRule& rule) const;
  Risk of(const policy::MountRule& rule) const;
  Risk of(const policy::TraceRule& rule) const;

  std::vector<Advisory> advisories(const policy::Policy& policy) const;
  std::string version() const;
};

}  // namespace vambrace::review
