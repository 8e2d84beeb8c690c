#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/apparmor/profile.h"

namespace vambrace::policy::apparmor {

struct PrintOptions {
  bool comments = false;  // reasons and examples before each rule
};

// The profile's text for apparmor_parser. The same rules give the same bytes,
// in whatever order they are given.
//
// Every pattern is one word and every comment one line, whatever bytes they
// hold, so that a name from evidence cannot become a rule. InvalidInput names
// the word that is none of AppArmor's (a profile's name, a family, a signal) or
// the pattern that cannot be read.
Result<std::string> print(const Profile& profile, PrintOptions options = {});

// One rule as print() writes it, without its comma. Variables are not looked
// up.
Result<std::string> line_of(const NetworkRule& rule);
Result<std::string> line_of(const UnixRule& rule);
Result<std::string> line_of(const SignalRule& rule);
Result<std::string> line_of(const PtraceRule& rule);
Result<std::string> line_of(const MountRule& rule);
Result<std::string> line_of(const LinkRule& rule);

// The text without its lines of comments, which have no effect: what two texts
// enforce is the same if this is. An include is none: it begins with
// "#include", where a comment of ours begins with "# ". What follows a rule on
// its line stays, so a hash of what an include grants is not a comment here.
std::string without_comments(std::string_view text);

// 64 bits of a hash of file rules as they are printed, in whatever order they
// are given. An include is printed with that of its rules, "include
// <abstractions/x> # 6c62272e07bb0142", so that a host on which the file grants
// something else is noticed, and so that the profile's name changes with it.
Result<std::string> hash_of(const std::vector<FileRule>& rules);

// The profile's name with 64 bits of a hash of its text without comments,
// "web-6c62272e07bb0142": profiles that differ never share a name by accident,
// so that loading one need not replace another. No protection against a forger.
Result<std::string> name_with_hash(const Profile& profile);

}  // namespace vambrace::policy::apparmor
