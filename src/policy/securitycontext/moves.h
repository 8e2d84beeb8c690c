#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy::securitycontext {

// What programs renamed and linked, by the folders that it was in. The kernel
// does neither from one mount into another one (EXDEV), even of one file
// system.
//
// The evidence has both ends of a rename, and the new one of a link, but not
// which belong together; from the hooks of the security modules the new name
// looks like one that an open made. Pairs are certain where there is no other
// end that it could have been.
class Moves {
 public:
  using Folders = std::set<std::string, std::less<>>;

  // The evidence must outlive it.
  explicit Moves(const evidence::Evidence& evidence);

  // Among folders that become mounts, each below the others or apart.
  std::set<Apart> between(const Folders& mounts) const;

 private:
  struct Program {
    std::set<std::string_view> from;     // old names of renames
    std::set<std::string_view> removed;  // any name that is gone
    std::set<std::string_view> into;     // new names of renames
    std::set<std::string_view> perhaps;  // these, or made by an open
    std::set<std::string_view> linked;   // new names of links
  };

  static Program program_of(const evidence::Process& process);

  std::vector<Program> programs_;
};

// The innermost folder that all of them are in, or are.
std::string common_parent(const std::set<std::string>& folders);

}  // namespace vambrace::policy::securitycontext
