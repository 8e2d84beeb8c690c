#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>

#include "base/result.h"
#include "cli/memo_words.h"
#include "elf/analysis.h"
#include "elf/memo.h"

namespace vambrace::cli {

struct Analysis {
  Result<elf::Answered> answered;
  std::chrono::duration<double> taken{};
};

// How many analyses may go on at the same time.
constexpr unsigned kMostJobs = 256;

// How many do unless somebody says: one for each processor that this process
// may use, but not more than eight, since each may take some hundred MB.
unsigned default_jobs();

// Analyzes each program. `tell` is called on this thread, in the order of the
// requests, as soon as an answer and all before it are there. Threads read and
// look through a library once each, whatever number of programs loads it: what
// happens to it meanwhile is not seen.
//
// The root is asked by several threads at once. Throws what an analysis throws,
// after those that go on have ended.
void analyze_each(
    const elf::Root& root, Memos& memos, std::span<const elf::Request> requests,
    unsigned jobs,
    const std::function<void(std::size_t request, Analysis analysis)>& tell);

}  // namespace vambrace::cli
