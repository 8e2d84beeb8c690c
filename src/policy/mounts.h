#pragma once

#include <optional>

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy {

// Some call of the process succeeded that mounts or changes mounts. Otherwise
// what hooks were asked about its mounts was refused after that.
bool has_mounted(const evidence::Process& process);

// Whether AppArmor takes the rule for what its operation says and no more: a
// rule without options allows any, and a word of another operation makes it
// another one (apparmor.d(5), "Mount Rules").
bool is_exact(const MountRule& rule);

// The rule that allows exactly what was seen, of the main program and without
// reasons. nullopt where the evidence does not know the place, or AppArmor has
// no word for an option or the type.
std::optional<MountRule> mount_rule(const evidence::MountFact& fact);

// "mount tmpfs (rw) none at /x/", "read /usr/bin/gdb", with the program; for
// people.
std::string describe(const MountRule& rule);
std::string describe(const TraceRule& rule);

// Adds what each program mounted where, and into whom it looked. Mounts that no
// rule can tell make a finding, and so do more than 300 (the first of which
// have rules), those of a program all of whose calls to mount were refused,
// which hooks are asked about before that, and looking outside: whose processes
// these were is not known.
void add_mounts(const evidence::Evidence& evidence, Policy& policy);
void add_traces(const evidence::Evidence& evidence, Policy& policy);

}  // namespace vambrace::policy
