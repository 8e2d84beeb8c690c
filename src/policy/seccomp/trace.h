#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "policy/seccomp/cbpf.h"

namespace vambrace::policy::seccomp {

// A branch on a part of the arguments: word & mask, compared with k.
struct Test {
  std::uint32_t offset = 0;  // in struct seccomp_data, 8 to 60
  std::uint32_t mask = 0;
  std::uint32_t k = 0;
  auto operator<=>(const Test&) const = default;
};

struct Trace {
  std::vector<Test> tests;  // sorted, each once
  // Calls that end in different places of the program.
  std::vector<Call> witnesses;
};

// Follows all ways of a validated program for one call whose arguments are
// unknown. Sees through loads, AND with a constant and copies between A and X;
// what else is computed from arguments is not followed, so the tests and
// witnesses of such programs are incomplete. At most 256 witnesses.
Trace trace(std::span<const Instruction> program, std::uint32_t arch,
            std::uint32_t nr);

}  // namespace vambrace::policy::seccomp
