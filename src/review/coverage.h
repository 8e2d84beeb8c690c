#pragma once

#include <span>

#include "elf/reach.h"
#include "evidence/evidence.h"
#include "review/review.h"

namespace vambrace::review {

// How much of what the programs can do was seen, where, and whether another
// run would show more. `reaches` may be empty: then what is reachable is
// unknown.
Coverage coverage_of(const evidence::Evidence& evidence,
                     std::span<const elf::Reach> reaches);

}  // namespace vambrace::review
