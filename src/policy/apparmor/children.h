#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/apparmor/profile.h"
#include "policy/policy.h"

// Where in a profile the rules of each program are: the main one's in the
// profile itself, a helper's in a child profile.
namespace vambrace::policy::apparmor {

// A profile may name so many others that programs enter at execve
// (apparmor_parser 3.0 refuses a 13th: the kernel's mode has four bits for
// them, and four values are taken).
inline constexpr std::size_t kMaxChildren = 12;

// The child profiles of the helpers that have rules: path to name, "cat", or
// "cat-2" where another helper's file has the same name. At most twelve names:
// of more helpers those that may do least are all "helpers".
std::map<std::string, std::string> child_names(const Policy& policy);

// Letters and digits of a name that comes from outside, and what else
// AppArmor's names may hold; never empty.
std::string plain_name(std::string_view text);

// "cat" of "/bin/cat".
std::string_view last_part(std::string_view path);

// Programs are those of a rule of the policy: a helper's path, empty for the
// main one.
class Children {
 public:
  // Without `apart` there are none: the helpers' rules are the profile's own.
  Children(const Policy& policy, bool apart);

  // Child profiles by program.
  const std::map<std::string, std::string>& names() const { return names_; }

  bool is_apart(const std::string& program) const;
  // The name of its child profile; empty: it has the profile itself.
  std::string child_of(const std::string& program) const;

  // Where its rules go. The profile has a child for each name.
  Rules& rules_of(Profile& profile, const std::string& program) const;
  // The profile's own and each child's.
  static std::vector<Rules*> everybody(Profile& profile);

  // The name that the kernel knows the program's profile by.
  std::string label_of(const Profile& profile,
                       const std::string& program) const;
  // A pattern for the profile and its children.
  std::string label(const Profile& profile) const;

 private:
  std::map<std::string, std::string> names_;
};

}  // namespace vambrace::policy::apparmor
