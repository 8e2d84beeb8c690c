#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "evidence/evidence.h"
#include "recorder/ebpf/state.h"

namespace vambrace::recorder::ebpf {

struct Resumed {
  State state;
  std::vector<evidence::Evidence> evidences;
};

// Ends a recording whose recorder is gone, with all that the kernel gathered
// since. Denied while its recorder still runs. The pins stay until discard().
Result<Resumed> resume(const Files& files, const std::string& id);

// Forgets a recording: its pins and its state, which stays with a pin that
// cannot be removed.
Result<> discard(Files& files, const std::string& id);

// Asks the recorder of a running recording to end it. False if that recorder is
// gone: then resume() is the way.
Result<bool> ask_to_stop(const Files& files, const std::string& id);

// All that have pins, sorted by id.
Result<std::vector<Known>> known_recordings(const Files& files);
// pick_recording() among all that have pins, also those whose recorder is gone.
Result<Known> find_recording(const Files& files, const std::string& id);
// The same among those whose recorder still runs.
Result<Known> find_live_recording(const Files& files, const std::string& id);

// Begins a phase in a running recording.
Result<> mark_recording(const std::string& id, const std::string& phase);

}  // namespace vambrace::recorder::ebpf
