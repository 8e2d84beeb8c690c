#pragma once

#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "policy/apparmor/generalize.h"
#include "policy/policy.h"
#include "policy/run_names.h"

namespace vambrace::policy {

// Tells of names that will probably be others in the next run although no
// pattern stands for them ("file-changes-name"): those that none may stand for,
// numbered folders that have nothing in common, and what is written under a
// name that looks like one of this run alone. Names of one folder are told
// together.
class ChangingNames {
 public:
  // The evidence must outlive it.
  explicit ChangingNames(const evidence::Evidence& evidence)
      : evidence_(evidence) {}

  // What became of a program's files; `place` is that of its findings.
  void add(const std::string& place, const apparmor::Generalized& made);

  std::vector<Finding> findings() const;

 private:
  void add_kept(const std::string& place,
                const std::vector<apparmor::Kept>& kept);

  const evidence::Evidence& evidence_;
  std::vector<WrittenRule> written_;
  std::vector<Finding> findings_;
};

}  // namespace vambrace::policy
