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
  std::map<std::string, std::string> copies;  // evidence/ID.json
  std::vector<std::string> unused;            // in the folder, not given
  // What a synth that was killed did not put there, and this one was not given.
  std::vector<std::string> lost;
};

// The evidence files that were given; without any, what the bundle in the
// folder `output` holds. Of both, what does not fit together is an error.
Result<SynthInput> read_input(const Files& files,
                              const std::vector<std::string>& given,
                              const std::string& output);

}  // namespace vambrace::cli
