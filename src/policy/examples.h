#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy {

// The paths of evidence, for what a file rule's pattern stands for.
class Examples {
 public:
  explicit Examples(const evidence::Evidence& evidence);

  // The first paths that a rule wider than one path was made for, a few, and
  // how many more; nothing for a rule of one path.
  std::vector<std::string> of(const FileRule& rule) const;

 private:
  std::map<std::string, std::set<std::string>> paths_;  // by program
};

}  // namespace vambrace::policy
