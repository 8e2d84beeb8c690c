#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "policy/seccomp/evaluate.h"

// Questions to a profile about calls whose arguments are known only in part, as
// evidence and people know them.
namespace vambrace::policy {

using PartialArguments = std::array<std::optional<std::uint64_t>, 6>;

// Each recorded tuple; one with nothing known where none was recorded or where
// a filter cannot see what was.
std::vector<PartialArguments> partial_arguments(
    kernel::Syscall syscall, const std::optional<evidence::Arguments>& seen);

// "arg0 == 0x2, arg1 == 0x1"; empty if nothing is known.
std::string describe(const PartialArguments& arguments);

// Every answer that the call may get, in the order of the profile's rules: one
// unless unknown arguments decide.
std::vector<seccomp::Outcome> possible_outcomes(
    const seccomp::Evaluator& evaluator, kernel::Syscall syscall,
    const PartialArguments& arguments);

}  // namespace vambrace::policy
