#pragma once

#include <string>

#include "base/files.h"
#include "evidence/evidence.h"

namespace vambrace::cli {

// One evidence file. Errors name it.
Result<evidence::Evidence> read_evidence(const Files& files,
                                         const std::string& path);

// The merged evidence of several files.
Result<evidence::Evidence> read_merged(const Files& files,
                                       const std::vector<std::string>& paths);

}  // namespace vambrace::cli
