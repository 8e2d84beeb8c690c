#pragma once

#include <cstdint>
#include <vector>

#include "elf/process.h"
#include "elf/reach.h"

// Which functions of a process may run.
namespace vambrace::elf {

constexpr std::uint32_t kNobody = ~0U;

struct Visit {
  bool reached = false;
  bool direct = false;  // over calls alone
  // Somebody may call it through a pointer: with arguments nobody knows.
  bool pointed_to = false;
  Link link = Link::Start;
  std::uint32_t from = kNobody;  // the function before it in the chain
  std::uint32_t hops = 0;
};

struct Walk {
  std::vector<Visit> visits;  // by the numbers of the process's functions
  // Who calls whom, of those that are reached: (called, caller), sorted.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> calls;

  std::vector<std::uint32_t> callers_of(std::uint32_t node) const;
};

Walk walk(const Process& process);

// Which functions may return to who calls them, by number. abort(3) does not.
std::vector<bool> find_returning(const Process& process);

// A function as a part of a chain.
Step step_of(const Process& process, std::uint32_t node, Link link);

// A shortest chain to the function, from an entry point on.
std::vector<Step> chain_to(const Process& process,
                           const std::vector<Visit>& visits,
                           std::uint32_t node);

// The name of the function around an address; empty if none is known.
std::string function_name(const Object& object, const Function& function);

// Where an edge of the object's code goes, by its index: the number of a
// function, or kNobody. Of calls, jumps and slots alone. Remembered.
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

}  // namespace vambrace::elf
