#pragma once

#include <span>
#include <string>
#include <string_view>

namespace vambrace::policy::apparmor {

// 64 bits of a hash as 16 hexadecimal digits. No protection against a forger.
std::string hash_of_text(std::string_view text);

// The place of a finding about a profile, without the hash in the profile's
// name: a rule more changes the name, and a finding about another rule stays
// the one it was. "apparmor: web-0123456789abcdef//sh: /x" becomes "apparmor:
// web//sh: /x".
std::string lasting_place(std::string_view place);

// Does one of the profiles in the text bear a name of name_with_hash()
// (print.h), and is the text another than what print() wrote under that name?
// Then somebody edited it. Comments may be there or not. `names` are those that
// AppArmor's parser reads in the text: there are many ways to write one.
bool belies_its_name(std::string_view text, std::span<const std::string> names);

}  // namespace vambrace::policy::apparmor
