#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attest/judge.h"
#include "attest/processes.h"
#include "attest/thread_state.h"
#include "base/result.h"
#include "policy/seccomp/cbpf.h"
#include "policy/seccomp/compare.h"

namespace vambrace::attest {

// A seccomp filter that is installed but is not the bundle's, with the threads
// that have it and what it does differently: left is installed, right is the
// bundle. One difference for each call.
struct ForeignFilter {
  std::vector<int> tids;
  std::size_t instructions = 0;
  std::vector<policy::seccomp::Difference> differences;
};

// What runs, held against what a bundle says.
struct Attestation {
  int pid = 0;
  std::vector<ThreadState> threads;
  std::vector<Finding> findings;
  std::vector<ForeignFilter> foreign;
  std::size_t filters_read = 0;  // threads whose oldest filter was read back
  // What could not be looked at, a sentence each: no difference was seen there,
  // and no equality either.
  std::vector<std::string> unknown;

  bool differs() const { return !findings.empty() || !foreign.empty(); }
  bool equal() const { return !differs() && unknown.empty(); }
};

// Looks at every thread of the scope until a look finds no process that the
// earlier ones do not explain (see unexplained()): what starts meanwhile is
// seen as well. Unknown if that never comes. `filter` is what the target makes
// of the bundle; nullptr leaves the filters alone (see installed_filters() for
// what reading them takes).
Result<Attestation> attest(const Scope& scope, const Expectation& expected,
                           const policy::seccomp::Program* filter);

// "x86_64 personality(0x8): SCMP_ACT_ALLOW is installed, the bundle says
// SCMP_ACT_ERRNO EPERM".
std::string describe_installed(const policy::seccomp::Difference& difference);

}  // namespace vambrace::attest
