#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "evidence/span.h"
#include "recorder/ebpf/raw.h"

namespace vambrace::recorder::ebpf {

// What the maps cannot know about a recording.
struct Frame {
  evidence::Workload workload;
  // Complete but for counters and verdict, which assemble() adds.
  evidence::Recording recording;
  std::vector<evidence::Gap> gaps;  // known to user space
  std::uint32_t scope = 1;          // the workload's
  // Images of scope 0 are kept as the harness.
  bool with_harness = false;
  // Wall-clock time minus ktime, nanoseconds.
  std::int64_t clock_offset = 0;
  bool light = false;
  bool redact = true;
  // Phases that are slices of others: the name in the maps, and the phase.
  std::map<std::string, std::string> slices;
  evidence::Spans tests;
  // The command lines of declared probes, words joined by one space.
  std::set<std::string> probe_commands;
};

// Facts with the names, origins and gaps that evidence has. Pure.
evidence::Evidence assemble(const Raw& raw, const Frame& frame);

}  // namespace vambrace::recorder::ebpf
