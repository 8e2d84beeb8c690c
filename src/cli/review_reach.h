#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "cli/memo_words.h"
#include "elf/reach.h"
#include "evidence/evidence.h"

namespace vambrace::cli {

// Adds to `reaches` what the programs of the evidence can do, as they lie below
// the root now: those that are there with the build id that was recorded, and
// that no reach is of yet. With the libraries that each was seen to load. Says
// on the standard error which it analyzes, and which of these it could not.
// What is not there, or of another build, is left out: what it can do stays
// unknown. Unsupported or NotFound if the root cannot be read at all.
Result<> add_reaches(Environment& environment, Memos& memos,
                     const std::string& root,
                     const evidence::Evidence& evidence,
                     std::vector<elf::Reach>& reaches);

}  // namespace vambrace::cli
