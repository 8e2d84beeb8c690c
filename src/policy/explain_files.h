#pragma once

#include <vector>

#include "base/result.h"
#include "policy/explain.h"

namespace vambrace::policy {

// "/etc/x", "/etc/x rw" as two words: a path as it is printed, and letters of
// an evidence's access; none: which ones are allowed? The path is made one that
// the kernel writes ("//x" is "/x"). InvalidInput for others, and for "..".
Result<Question> parse_file_question(std::span<const std::string> words);

// One answer for the main program's profile, and one for each child profile
// with a rule for the path. Refused by every profile where there is none. Then
// those about the same path as that of a folder ("/x/"), or of none, where a
// rule says another thing of it.
Result<std::vector<Answer>> explain_file(const Question& question,
                                         const Rendering& rendering,
                                         const evidence::Evidence& evidence);

}  // namespace vambrace::policy
