#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "elf/binary.h"
#include "elf/reach.h"
#include "elf/root.h"

// From a program in a container's root to the system calls it can reach.
namespace vambrace::elf {

// What is loaded although no file says that it is needed.
struct Extra {
  std::string path;
  std::string why;  // "named by --with", "mapped in the evidence", ...
  // Names by which its functions are found, with "*" for any bytes; empty: by
  // any that it exports.
  std::vector<std::string> entries;
  // Seen being loaded, by whomever: if another file needs it, or a rule knows
  // its entries, it is not asked for everything that it exports.
  bool observed = false;
};

struct Request {
  std::string program;  // its path in the root
  std::vector<Extra> extras;
  std::vector<std::string> library_path;  // LD_LIBRARY_PATH
  // Leave out what no file needs: the answer misses what the program loads by
  // itself, and says so.
  bool linked_only = false;
};

// NotFound, InvalidInput or Unsupported if the program itself cannot be read;
// everything else that is not known is a gap of the answer. Files that were
// looked through for another program before are found in `binaries`.
Result<Reach> analyze(const Root& root, const Request& request,
                      Binaries& binaries);
Result<Reach> analyze(const Root& root, const Request& request);

}  // namespace vambrace::elf
