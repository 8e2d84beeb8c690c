#pragma once

#include <cstdint>
#include <string>

#include "base/files.h"
#include "base/result.h"

namespace vambrace::cli {

// What a command wants of a path given to it.
enum class Wanted : std::uint8_t { Evidence, Bundle, Profile };

// The error for a path that could not be read as what was wanted: if it is
// another kind of file or folder that we know, which one, and which command
// takes it; else `error` as it was.
Error wrong_kind(const Files& files, const std::string& path, Wanted wanted,
                 Error error);

// InvalidInput, as wrong_kind(), if the path is there and no folder. What a
// folder lacks to be a bundle is told when it is read.
Result<> check_bundle(const Files& files, const std::string& path);

}  // namespace vambrace::cli
