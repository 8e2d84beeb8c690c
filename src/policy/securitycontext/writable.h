#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "policy/policy.h"
#include "policy/reasons.h"
#include "policy/securitycontext/image_files.h"
#include "policy/securitycontext/moves.h"

namespace vambrace::policy::securitycontext {

// What was written, by the folders whose file system must be writable for it.
// Paths are the evidence's, which must outlive it.
struct Writes {
  std::map<std::string, Reasons, std::less<>> folders;
  std::unordered_set<std::string_view> made;      // files and folders
  std::unordered_set<std::string_view> removed;   // or moved away
  std::unordered_set<std::string_view> executed;  // files
};

struct WritableFolders {
  std::vector<WritableNeed> needs;  // sorted
  std::set<Apart> apart;
};

// The folders that need a file system of their own, as needs.h says. Those
// between which files certainly moved become the folder that both are in,
// unless that one is shared by all the system (/var/lib, /srv).
WritableFolders writable_folders(Writes writes, const ImageFiles& image,
                                 const Moves& moves);

}  // namespace vambrace::policy::securitycontext
