#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace vambrace {

// How a program ended, and what it said.
struct Ended {
  int code = 0;  // its exit code; 128 and the signal that ended it
  std::string out;
  std::string err;
};

// Runs a program (found by PATH) and waits for it. It reads nothing and shares
// this process's environment. What it says is kept up to 16 MB. `held` is a
// descriptor that it inherits; -1: none.
//
// Unavailable if there is no such program. That it failed is no error.
Result<Ended> run_program(const std::vector<std::string>& words, int held = -1);

// The same of two programs, the second of which reads what the first writes.
// The answer is of the first one that failed, else of the second.
Result<Ended> run_piped(const std::vector<std::string>& from,
                        const std::vector<std::string>& to, int held = -1);

}  // namespace vambrace
