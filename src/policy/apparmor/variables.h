#pragma once

#include <set>
#include <string>
#include <string_view>

#include "policy/apparmor/shape.h"

// The variables that stand for a changing part of a name. They are exact (a
// number is digits and nothing else) and still readable, which neither [0-9]*
// nor thirty-two classes in a row are.
namespace vambrace::policy::apparmor {

Shape number();      // @{number}: 1 to 20 digits
Shape pid();         // @{pid}, as tunables/global defines it, or wider
Shape tid();         // @{tid}
Shape uuid();        // @{uuid}
Shape hex_number();  // @{hexnumber}: 1 to 16 hexadecimal digits
// @{hexN}: N hexadecimal digits. @{randomN}: N letters, digits or underscores;
// @{lowerN}: without capitals.
Shape hex(unsigned length);
Shape random(unsigned length);
Shape lower(unsigned length);

// The name of any file that nobody named (O_TMPFILE), see policy/unnamed.h.
constexpr std::string_view kUnnamedPattern = "#@{number}";

// Small letters, digits and the underscore.
Bytes lower_letters();

// The names of the variables in a pattern, without @{ and }.
std::set<std::string> variables_in(std::string_view pattern);

// The value of a variable that the functions above write, as a profile's
// preamble defines it: @{name}=value. @{pid} and @{tid} are among them, but a
// profile that includes tunables/global has them already.
std::string variable_value(std::string_view name);

// The same pattern with each of these variables written out.
std::string without_variables(std::string_view pattern);

}  // namespace vambrace::policy::apparmor
