#pragma once

#include <cstdint>
#include <vector>

#include "elf/process.h"
#include "elf/reach.h"
#include "elf/targets.h"

// Which functions of a process may run.
namespace vambrace::elf {

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

}  // namespace vambrace::elf
