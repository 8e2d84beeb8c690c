#pragma once

#include "evidence/evidence.h"
#include "recorder/ebpf/bpf/event.h"

namespace vambrace::recorder::ebpf {

// A socket operation without its shares. Redacted addresses are classes:
// "loopback", "any", "private", "public", "unix", "abstract", "unnamed".
evidence::NetworkFact network_fact(const vmb_other_key& key, bool redact);

}  // namespace vambrace::recorder::ebpf
