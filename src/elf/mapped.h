#pragma once

#include <map>
#include <set>
#include <string>

#include "evidence/evidence.h"

namespace vambrace::elf {

// Files that processes mapped to execute, by the resolved path of the program:
// what was seen being loaded, whoever asked for it. Of all origins but the
// runtime and the harness, since those are other programs than the workload's.
//
// Programs without such a file are there with none. What is on no mount
// ("tmpfs:memfd:x") is left out: it is in no root.
std::map<std::string, std::set<std::string>> mapped_files(
    const evidence::Evidence& evidence);

}  // namespace vambrace::elf
