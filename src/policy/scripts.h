#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/evidence.h"

namespace vambrace::policy {

// The scripts that programs start through their first line (#!). The kernel
// asks whether the starter may execute the script's file; what then runs is the
// interpreter, under its own profile.
//
// The evidence must outlive it.
class Scripts {
 public:
  explicit Scripts(const evidence::Evidence& evidence);

  // The file of the program that runs when `starter` executes the script at
  // `path`; nullptr: not known.
  const std::string* interpreter(const std::string& starter,
                                 const std::string& path) const;

  // Of a fact, the share of recordings that did not tell which scripts were
  // executed.
  evidence::By untold(const evidence::By& by) const;

 private:
  bool hands_on(const evidence::Process& process,
                const std::string& path) const;

  // By the program that started them: the processes with a script.
  std::map<std::string, std::vector<const evidence::Process*>, std::less<>>
      started_;
  std::set<std::string> telling_;
};

}  // namespace vambrace::policy
