#pragma once

#include <chrono>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace vambrace {

// Holds a folder against all others that ask for it here, until the descriptor
// is closed or its process ends. Waits while another holds it; Unavailable when
// the patience is over, NotFound without the folder. No file is made. A file
// system that knows no such locks (some network ones) holds nothing: the
// descriptor is of the folder all the same.
Result<Fd> lock_folder(const std::string& folder,
                       std::chrono::milliseconds patience);

}  // namespace vambrace
