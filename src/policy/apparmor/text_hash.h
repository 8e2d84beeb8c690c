#pragma once

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

// Does the text's profile bear a name of name_with_hash() (print.h), and is the
// text another than the one whose hash the name holds? Then somebody edited it.
// Comments may be there or not. False where no profile has such a name.
bool belies_its_name(std::string_view text);

}  // namespace vambrace::policy::apparmor
