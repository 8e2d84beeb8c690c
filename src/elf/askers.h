#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "elf/process.h"
#include "elf/reach.h"
#include "elf/walk.h"

// Whose wish a system call is.
namespace vambrace::elf {

// Who asks for what these functions do, as ReachedCall::askers.
std::vector<Asker> askers_of(const Process& process, const Walk& walk,
                             std::span<const std::uint32_t> nodes);

}  // namespace vambrace::elf
