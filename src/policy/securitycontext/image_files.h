#pragma once

#include <set>
#include <string>

#include "evidence/evidence.h"

namespace vambrace::policy::securitycontext {

// Files and folders that were there before the workload made any of their name:
// an empty file system in place of their folder would hide them. Without the
// slash at the end of a folder. What a recorded container had mounted was none
// of its image's.
//
// What the workload made is told by facts that come of nothing else (`c` alone,
// `l`, the new name of a rename); whatever is in a folder that it made is its
// own, too. What else was done to a file before that shows that it was there.
// An open with O_CREAT shows neither in recordings without
// evidence::kMadeProbe. Recordings that were folded into one are no longer told
// apart: what one of them made another may have found there. A file that was
// opened with O_CREAT and never read, as logs are, is none: the workload makes
// it where there is none.
struct ImageFiles {
  std::set<std::string> known;
  std::set<std::string> found;    // by a recorder beside what the workload made
                                  // (Recording::found), whether used or not
  std::set<std::string> perhaps;  // perhaps made before: by its open, or in
                                  // another of the folded recordings
};
ImageFiles image_files(const evidence::Evidence& evidence);

// Whether the fact comes of nothing but that the workload made the file: `c`
// alone, `l`, the new name of a rename.
bool is_made(const evidence::FileFact& fact);

}  // namespace vambrace::policy::securitycontext
