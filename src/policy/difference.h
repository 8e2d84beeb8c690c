#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/apparmor/profile.h"
#include "policy/seccomp/evaluate.h"
#include "policy/securitycontext/context.h"

// What one policy permits and another does not, as rendered.
namespace vambrace::policy {

// A call that one side lets through, at least with these arguments, and the
// other does not.
struct Permit {
  std::uint32_t arch = 0;  // AUDIT_ARCH_*
  std::uint32_t nr = 0;    // as in seccomp_data
  // "x86_64 socket"; "x86_64 syscall_999" for a number without a name.
  std::string call;
  bool named = false;
  // The alternatives that only this side has; empty: any arguments.
  std::vector<std::string> when;
  // Arguments that tell the sides apart.
  seccomp::Arguments example{};
  seccomp::Outcome here;
  seccomp::Outcome there;
  auto operator<=>(const Permit&) const = default;
};

// Files that one side lets a program access, at least in this way, and the
// other does not.
struct FilePermit {
  std::string program;  // a helper's child profile; empty: the main program
  std::string pattern;
  std::string access;   // some of evidence::kAccessLetters
  bool owner = false;   // only its own
  std::string example;  // a path that tells the sides apart; empty: not found
  auto operator<=>(const FilePermit&) const = default;
};

// A rule that is not about files, which one side has for a program and the
// other has not, nor a wider one: rule_difference.h.
struct RulePermit {
  std::string program;  // as in FilePermit
  std::string rule;     // as it is printed, without the profile's own name
  auto operator<=>(const RulePermit&) const = default;
};

// How a container is started, where the sides do it otherwise.
struct Setting {
  // "apparmor", "apparmor profile", "folder", "no_new_privs", "root",
  // "systemd call", "user"
  std::string kind;
  std::string name;  // the folder, the call; empty: there is one
  // What the side permits by it, in words; empty: nothing.
  std::string left;
  std::string right;
  auto operator<=>(const Setting&) const = default;
};

struct Difference {
  std::vector<Permit> only_left;
  std::vector<Permit> only_right;
  // Both permit or both refuse, but not alike: another errno, or logged.
  std::vector<Permit> otherwise;
  std::set<std::uint32_t> capabilities_left;  // granted only there
  std::set<std::uint32_t> capabilities_right;
  std::vector<FilePermit> files_left;
  std::vector<FilePermit> files_right;
  std::vector<RulePermit> rules_left;
  std::vector<RulePermit> rules_right;
  std::vector<Setting> settings;

  bool none() const {
    return only_left.empty() && only_right.empty() && otherwise.empty() &&
           capabilities_left.empty() && capabilities_right.empty() &&
           files_left.empty() && files_right.empty() && rules_left.empty() &&
           rules_right.empty() && settings.empty();
  }
};

// What one bundle's container is started with.
struct Surroundings {
  const securitycontext::SecurityContext& context;
  const std::vector<std::string>& volumes;  // mounts of its own
  std::optional<bool> apparmor;             // as in runtime::Target
};

// One side: a profile on its target, and the capabilities granted with it.
struct Side {
  const seccomp::Evaluator& evaluator;
  const std::set<std::uint32_t>& capabilities;
  // nullptr: it has none.
  const apparmor::Profile* files = nullptr;
  // nullptr: not known, and no settings are compared.
  const Surroundings* around = nullptr;
};

// Semantic: asks both sides about every call and the arguments that either of
// them looks at (seccomp/covering.h), so entries in another order or form are
// no difference. A logged call counts as let through. Of files, each rule is
// held against all that the other side has for that program: rules that say the
// same by other patterns are no difference either. Other rules of AppArmor's
// are compared by their words (rule_difference.h); of both, what one side lacks
// is told also where it refuses nothing.
//
// InvalidInput for a pattern that AppArmor cannot read.
Result<Difference> difference(const Side& left, const Side& right);

// "arg0 & 0x7e020000 == 0x0, arg1 == 0x2"
std::string describe(const seccomp::Alternative& alternative);

}  // namespace vambrace::policy
