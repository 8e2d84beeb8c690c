#pragma once

#include <map>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "recorder/ebpf/raw.h"

namespace vambrace::recorder::ebpf {

// What a recording lost or could not see, by what the kernel side counted and
// by the images of the scope.
std::vector<evidence::Gap> gaps_of(const Raw& raw, std::uint32_t scope);

// What the facts themselves show: io_uring, numbers without a name.
std::vector<evidence::Gap> gaps_in(
    const std::vector<evidence::Process>& processes);

// The counters of a recording as evidence keeps them. Hints are reconciled
// here: facts = hints_sent + hints_lost, and hints_seen = hints_sent.
std::map<std::string, std::uint64_t> counters_of(const Raw& raw);

}  // namespace vambrace::recorder::ebpf
