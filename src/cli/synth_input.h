#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "evidence/evidence.h"

namespace vambrace::cli {

// What a policy is made of.
struct SynthInput {
  evidence::Evidence merged;
  // What the bundle keeps of it, by names in the bundle: evidence/ID.json.
  std::map<std::string, std::string> copies;
  std::vector<std::string> unused;  // names of evidence there, not given
  // What a synth that was killed did not put there, and this one was not given.
  std::vector<std::string> lost;
};

// The evidence files that were given; without any, what the bundle in the
// folder `output` holds. InvalidInput where there is neither, where nothing was
// seen of the workload itself, and for what does not fit together, files of the
// bundle that were not given among it.
Result<SynthInput> read_input(const Files& files,
                              const std::vector<std::string>& given,
                              const std::string& output);

}  // namespace vambrace::cli
