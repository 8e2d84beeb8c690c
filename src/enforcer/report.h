#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace vambrace::enforcer {

// Names the report file to `vambrace run` where it stands in for docker or
// runc.
constexpr const char* kReportVariable = "VAMBRACE_REPORT";

// What launchers and rewritten docker and runc starts wrote into the report.
struct Report {
  std::uint64_t started = 0;          // workloads that got the policy
  std::set<std::string> programs;     // which, by path
  std::vector<std::string> failures;  // "load the seccomp filter: EINVAL"
};

// Lines as the launcher and `vambrace run` write them; any other is a failure:
// then somebody else wrote there, or a line is not whole.
Report parse_report(std::string_view text);

}  // namespace vambrace::enforcer
