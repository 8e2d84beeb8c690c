#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "elf/process.h"

// Where calls of a process go.
namespace vambrace::elf {

constexpr std::uint32_t kNobody = ~0U;

// Where an edge of the object's code goes, by its index: the number of a
// function, or kNobody. Of calls, jumps and slots alone.
std::uint32_t target_of(const Process& process, const Object& object,
                        std::uint32_t edge);

// What the loader writes into a slot, if it is a function: its number.
std::optional<std::uint32_t> slot_target(const Process& process,
                                         const Object& object,
                                         const Pointer& pointer);

// Where a direct call goes, through the entries of linkage tables.
std::optional<std::uint32_t> call_target(const Process& process,
                                         const Object& object,
                                         std::uint64_t address);

// Which functions may return to who calls them, by number. abort(3) does not.
std::vector<bool> find_returning(const Process& process);

}  // namespace vambrace::elf
