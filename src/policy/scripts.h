#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
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
  const evidence::Process* reader(std::string_view starter,
                                  std::string_view path) const;
  const evidence::Process* hands_on(std::string_view starter,
                                    std::string_view path) const;

  // Of several processes the first in the evidence.
  using Starter = std::string_view;
  using Program = std::string_view;
  using Script = std::string_view;
  // With that script, and with one of that name in whatever folder.
  std::map<std::tuple<Starter, Program, Script>, const evidence::Process*>
      started_;
  std::map<std::pair<Starter, Script>, const evidence::Process*> named_;
  // The processes with a script that read a file, in their order.
  std::unordered_map<std::string_view, std::vector<const evidence::Process*>>
      readers_;
  std::set<std::string> telling_;
};

}  // namespace vambrace::policy
