#pragma once

#include "recorder/ebpf/raw.h"

namespace vambrace::recorder::ebpf {

// What can only be said when the recording is over, of calls that were not seen
// to enter; once all slots are added (add_slot()).
//
// A call that a task was still in, and that nothing else counts, is one call. A
// call whose every occurrence in a program is a failure that a filter may have
// caused (VMB_UNSURE) is told as made, and is one of raw.unsure: that a filter
// refuses it at other times, perhaps with other arguments, does not say that it
// did then.
void settle(Raw& raw);

}  // namespace vambrace::recorder::ebpf
