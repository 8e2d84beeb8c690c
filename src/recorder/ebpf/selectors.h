#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "recorder/ebpf/bpf/event.h"

namespace vambrace::recorder::ebpf {

// What the kernel side compares a started program with, for one --workload.
//
// A path means that very file, and must exist; a script is known by the path by
// which it is started, as given here or in full. A name means programs and
// scripts whose file bears it, and, if it leads to a file of another name in
// PATH (redis-server, python3), that file too. A file that is many programs, as
// busybox is, is never meant by the name of one of them.
Result<std::vector<vmb_selector_key>> selector_keys(
    const std::string& selector);

}  // namespace vambrace::recorder::ebpf
