#pragma once

#include <optional>
#include <string>

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy {

// Adds what the evidence shows of files, sockets and signals: rules per program
// (programs.h), with paths generalized as apparmor/generalize.h says, and
// findings for whatever no rule can stand for.
//
// Nothing is left out without a finding: files on no mount, files that were
// reached from outside the mount namespace, calls that name a path which was
// not recorded, names that will differ in the next run and must not be widened.
void add_files(const evidence::Evidence& evidence, Policy& policy);

// The path that AppArmor is asked about: of a file from outside the mount
// namespace what is left of it, of a file in memory that is started "/"; both
// only under attach_disconnected, and refused without. nullopt: the file is on
// no mount, and AppArmor is not asked.
std::optional<std::string> mediated_path(const evidence::FileFact& fact);

}  // namespace vambrace::policy
