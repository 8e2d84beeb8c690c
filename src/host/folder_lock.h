#pragma once

#include <chrono>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace vambrace {

// A folder that is held until this goes or its process ends.
struct HeldFolder {
  Fd fd;
  // False where the file system knows no such locks (some network ones): then
  // nothing is held, and others may be there.
  bool alone = false;
};

// Holds a folder against all others that ask for it here. Waits while another
// holds it; Unavailable when the patience is over, NotFound without the folder.
// No file is made.
Result<HeldFolder> lock_folder(const std::string& folder,
                               std::chrono::milliseconds patience);

// The same of a folder that is made if it is not there.
Result<HeldFolder> make_and_lock_folder(const std::string& folder,
                                        std::chrono::milliseconds patience);

}  // namespace vambrace
