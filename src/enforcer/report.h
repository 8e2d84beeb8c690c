#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace vambrace::enforcer {

// What launchers and rewritten docker and runc starts wrote into the report.
struct Report {
  std::uint64_t started = 0;          // workloads that got the policy
  std::set<std::string> programs;     // which, by path
  std::vector<std::string> failures;  // "load the seccomp filter: EINVAL"
};
Report parse_report(std::string_view text);

}  // namespace vambrace::enforcer
