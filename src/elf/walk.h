#pragma once

#include <cstdint>
#include <span>
#include <utility>
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

// Who calls whom.
class Callers {
 public:
  // (called, caller); the same may stand there several times.
  using Calls = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

  Callers() = default;
  Callers(const Calls& calls, std::uint32_t nodes);

  // Sorted, without doubles. As long as this lives.
  std::span<const std::uint32_t> of(std::uint32_t node) const {
    return std::span(callers_).subspan(begins_[node],
                                       begins_[node + 1] - begins_[node]);
  }

 private:
  std::vector<std::uint32_t> callers_;  // of all, one after the other
  std::vector<std::uint32_t> begins_;   // by who is called, and the end
};

struct Walk {
  std::vector<Visit> visits;  // by the numbers of the process's functions
  Callers callers;            // of those that are reached
};

Walk walk(const Process& process);

}  // namespace vambrace::elf
