#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/evidence.h"

// Names that look like those of one run alone: with the date or the time of the
// recording, the number of one of its processes, drawn by lot, a hash. Where no
// pattern stands for them the next run is refused, and another recording would
// tell what changes.
namespace vambrace::policy {

// A rule by which something is written or made, and a path that it is for.
struct WrittenRule {
  std::string place;  // of its findings
  std::string pattern;
  std::string path;
};

// Names of one folder.
struct RunNames {
  std::string place;
  std::string folder;  // with the slash at its end
  std::set<std::string> names;
  std::set<std::string> signs;  // "the date of the recording", "a hash"
  // The evidence shows it: all signs are of the recording itself.
  bool certain = false;
};

// Those names of the rules' paths that no pattern stands for. Only what the
// workload made; with a sign of the recording itself what it wrote, too. What
// two recordings have is no name of one run. Sorted by place and folder.
std::vector<RunNames> run_names(const evidence::Evidence& evidence,
                                const std::vector<WrittenRule>& rules);

}  // namespace vambrace::policy
