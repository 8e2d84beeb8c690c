#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "policy/seccomp/cbpf.h"
#include "policy/seccomp/evaluate.h"

// The calls that tell two filters apart, if anything does: few enough to be
// tried in milliseconds, and at least one on each side of every branch.
namespace vambrace::policy::seccomp {

// Where the knowledge about branches comes from; any number of either.
struct Sources {
  std::vector<std::span<const Instruction>> programs;  // validated
  std::vector<const Evaluator*> evaluators;
};

// One architecture as the kernel names it, and the numbers to try there.
struct Numbers {
  std::uint32_t arch = 0;  // AUDIT_ARCH_*
  std::vector<std::uint32_t> numbers;
};

// Every number up to well above the tables, for x86_64 with and without bit 30,
// i386, aarch64 and an architecture that nobody has; the ends of the ranges;
// and what the programs compare anything with, one below and one above.
std::vector<Numbers> covering_numbers(const Sources& sources);

// The arguments to try for one call: for each value that a condition or a
// branch looks at, the value, its neighbors and the value with other bits in
// its upper, lower and unmasked parts, in all combinations while they are few,
// else around points that reach each alternative and each end of a program.
// One element if nothing looks at the arguments.
std::vector<Arguments> covering_arguments(const Sources& sources,
                                          std::uint32_t arch, std::uint32_t nr);

}  // namespace vambrace::policy::seccomp
