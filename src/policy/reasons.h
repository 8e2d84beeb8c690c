#pragma once

#include <map>
#include <vector>

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy {

// Whether facts of this origin become rules: what the program, its helpers and
// its declared probes did. The runtime has its own layer; a person's session
// and the test driver are not the workload.
bool counts(evidence::Origin origin);

// Reasons of one rule, folded so that one process in several phases is one
// reason. The build id stays in the evidence: a rebuild is no new reason.
class Reasons {
 public:
  void add(Cause cause, const evidence::ProcessKey& key,
           const evidence::Share& share, std::string note = {});
  void add(Reason reason);
  bool empty() const { return phases_.empty(); }
  std::vector<Reason> sorted() const;

 private:
  std::map<Reason, std::set<std::string>> phases_;  // key without phases
};

// Adds the reasons that are not there; the same ones share their phases.
void merge(std::vector<Reason>& to, const std::vector<Reason>& more);

}  // namespace vambrace::policy
