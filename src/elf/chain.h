#pragma once

#include <string>
#include <vector>

#include "elf/process.h"
#include "elf/reach.h"
#include "elf/walk.h"

// How a function is reached, for people.
namespace vambrace::elf {

// A function as a part of a chain.
Step step_of(const Process& process, std::uint32_t node, Link link);

// A shortest chain to the function, from an entry point on.
std::vector<Step> chain_to(const Process& process,
                           const std::vector<Visit>& visits,
                           std::uint32_t node);

// The name of the function around an address; empty if none is known.
std::string function_name(const Object& object, const Function& function);

}  // namespace vambrace::elf
