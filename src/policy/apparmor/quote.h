#pragma once

#include <string>
#include <string_view>

namespace vambrace::policy::apparmor {

// The pattern that matches exactly these bytes and nothing else, for a path as
// the kernel names it: absolute, no empty component, a directory with a slash
// at its end.
//
// Characters that patterns or variables use are escaped, and so is every byte
// that is no printable ASCII, as three octal digits: the one form that no
// following character can change. apparmor_parser ends a quoted name at the
// longest text that could be one, so neither a quote nor two backslashes in a
// row ever appear.
std::string pattern_of(std::string_view path);

// A pattern as a word of a profile's text: as it is where every character is
// harmless, otherwise in quotes. Its meaning stays.
//
// Takes any bytes: what comes out is one word on one line, whatever goes in.
std::string word_of(std::string_view pattern);

// Characters of a word without quotes that end no word, start no comment and
// open no list.
bool is_harmless(char c);

}  // namespace vambrace::policy::apparmor
