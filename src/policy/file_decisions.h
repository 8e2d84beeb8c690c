#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/apparmor/pattern.h"
#include "policy/decision.h"
#include "policy/policy.h"

namespace vambrace::policy {

// The pattern of a decision about a file. InvalidInput where AppArmor cannot
// read it, or where it uses a variable that no profile of ours has.
Result<apparmor::Pattern> decided_pattern(const std::string& text);

// InvalidInput where synthesis would refuse the decision, for the same reason:
// an unknown choice, a pattern that cannot be read, a program to start.
Result<> check_decision(const Subject& subject, std::string_view choice);

// What is refused with these letters. AppArmor knows writing alone, so whoever
// may not write may not create, delete, append, chmod or chown, either, and the
// other way round.
std::string refused_with(std::string_view access);

// Takes the access away from every rule that has no path beyond the pattern,
// and denies it for what wider rules and includes allow, whoever it is.
Result<> drop_file(Policy& policy, const FileSubject& file,
                   const Reason& reason);

// A later decision to add takes the same pattern's denial back. Denials of
// other patterns stay: they win over what is added.
void allow_again(Policy& policy, const FileSubject& file);

}  // namespace vambrace::policy
