#pragma once

#include "evidence/evidence.h"

namespace vambrace::evidence {

// One thing that one evidence has and the other has not.
struct Difference {
  bool in_second = false;  // false: only the first has it
  ProcessKey process;      // without build id: a rebuild is the same program
  std::string kind;        // "process", "syscall", "argument", "denied",
                           // "file", "capability", "network", "exec", "signal",
                           // "user", "mount", "trace"
  std::string what;        // "x86_64 openat", "socket(0x2, 0x1, 0x0)"
  auto operator<=>(const Difference&) const = default;
};

// What behavior one side shows and the other does not, both ways, sorted.
// Counts, times, phases, recordings and build ids are no behavior: two runs of
// the same program under the same load give an empty list.
std::vector<Difference> diff(const Evidence& a, const Evidence& b);

}  // namespace vambrace::evidence
