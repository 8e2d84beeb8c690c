#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "elf/reach.h"
#include "review/review.h"
#include "review/risks.h"

// Which of the calls that a program can make and nobody saw will be needed
// first. A guess, so each point of the score says why it is given.
namespace vambrace::review {

struct Surroundings {
  // Calls that the evidence shows, whoever of the workload made them.
  const std::set<kernel::Syscall>& observed;
  // Calls that the policy refuses on purpose, since whoever asks then makes
  // another one: no candidates.
  const std::set<kernel::Syscall>& answered;
  // What the policy lets the workload do, and the same as advisories ask it.
  std::span<const Grant> grants;
  const policy::Grants& allowed;
  const Risks& risks;
};

// The terms, most points first:
//
//   common    the share of some hundred programs that make it
//   own-code  the program itself asks for it; less where functions of a library
//             are in between, least where a library asks
//   instead   a call that does the same was seen: points are taken away
//   missed    recordings are known to miss it: at a reload, when a buffer grows
//   shared    several programs of the workload can make it
//   direct    calls alone lead there
//   near      the function that calls it is on the way to calls that were seen
//   sibling   calls of its kind were seen
//
// The last two have no points: they help to judge it.
// What is one thing to decide about stands together and has one rank: first all
// that opens no more than what is granted, then calls that open the same, as
// likely as the likeliest of them. Candidates that are granted come after all
// others: nothing is lost if they are not seen.
std::vector<Candidate> candidates_of(std::span<const elf::Reach> reaches,
                                     const Surroundings& around);

}  // namespace vambrace::review
