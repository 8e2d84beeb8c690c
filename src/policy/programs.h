#pragma once

#include <set>
#include <string>

#include "evidence/evidence.h"

namespace vambrace::policy {

// Which of a workload's programs has rules of its own. A kernel that starts a
// program knows its file and no more: all that runs from one file is one
// program.
//
// The main program is what the workload begins with: its application, whatever
// is started from outside (an entrypoint, a probe that is run by exec: an
// engine gives both the container's profile), and what runs from the same
// files. Every other file that is executed is a helper, named by its path.
class Programs {
 public:
  explicit Programs(const evidence::Evidence& evidence);

  // Empty: the main program. `exe` is of a process that counts.
  std::string of(const std::string& exe) const {
    return main_.contains(exe) ? "" : exe;
  }
  bool known(const std::string& exe) const { return all_.contains(exe); }

 private:
  std::set<std::string> main_;
  std::set<std::string> all_;
};

}  // namespace vambrace::policy
