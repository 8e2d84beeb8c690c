#pragma once

#include <string>

#include "elf/reach.h"

namespace vambrace::cli {

// What an analysis answers, for people: the calls with how they are reached,
// the gaps by kind, and the files with what each adds. With `chains` every
// function on the way, not only the first and the last ones.
std::string reach_text(const elf::Reach& reach, bool chains);

}  // namespace vambrace::cli
