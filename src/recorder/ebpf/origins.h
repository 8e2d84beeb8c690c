#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "recorder/ebpf/raw.h"

namespace vambrace::recorder::ebpf {

// Tells programs that were moved into a scope while they ran (their pid written
// to its cgroup.procs) from the runtimes that enter to start a program there: a
// runtime is known by its name, or ends in an execve. The first that was moved
// is its scope's main program.
void tell_moved(Raw& raw);

// The process keys of the images of one workload (and of its harness), by image
// number; nullopt for images of other scopes.
//
// The main program is the one that the workload's first process ends its execs
// with; every image of that program is `app`, other programs are `helper`.
// What ran before the first execve of the command, of a container or of an exec
// session is `runtime`.
std::vector<std::optional<evidence::ProcessKey>> process_keys(
    const Raw& raw, std::uint32_t scope, bool with_harness,
    const std::set<std::string>& probe_commands);

// Script path, or argv[0] where it tells more than the executable's path;
// empty where it does not. Of a runtime that has not started the program yet:
// whether it had loaded the container's filter.
std::string script_of(const vmb_image& image);

}  // namespace vambrace::recorder::ebpf
