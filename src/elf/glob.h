#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "elf/root.h"

namespace vambrace::elf {

// True if "*" (any bytes) and "?" (one byte) of the pattern make it the name;
// like a shell's, a leading dot must be there.
bool matches(std::string_view pattern, std::string_view name);

// Paths that one glob() finds, and folders that it looks through.
constexpr std::size_t kMaxGlobbed = 20'000;

// Absolute paths in the root that an absolute pattern stands for, sorted, each
// once. "*" and "?" are of one name; "**" as a whole part of the pattern is any
// number of folders, at most twelve deep, and none of them through a link.
// Without a wildcard: the path itself, if it is there. Stops at kMaxGlobbed.
std::vector<std::string> glob(const Root& root, std::string_view pattern);

}  // namespace vambrace::elf
