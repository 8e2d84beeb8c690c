#include "policy/apparmor/quote.h"

#include <cstddef>

namespace vambrace::policy::apparmor {
namespace {

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

// Whether a pattern takes the character for more than itself.
bool is_special(char c) {
  switch (c) {
    case '*':
    case '?':
    case '[':
    case ']':
    case '{':
    case '}':
    case '^':
    case ',':
      return true;
    default:
      return false;
  }
}

void add_octal(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += '\\';
  out += static_cast<char>('0' + (byte >> 6));
  out += static_cast<char>('0' + ((byte >> 3) & 7));
  out += static_cast<char>('0' + (byte & 7));
}

// Whether apparmor_parser takes the text for one name without quotes: those
// start with a slash or a variable and hold a comma only before another
// character of the name.
bool stands_bare(std::string_view text) {
  if (!text.starts_with('/') && !text.starts_with("@{")) {
    return false;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool comma =
        text[at] == ',' && at + 1 < text.size() && is_harmless(text[at + 1]);
    if (!comma && !is_harmless(text[at])) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool is_harmless(char c) {
  constexpr std::string_view kMarks = "/._-+:~%@*?{}[]^\\";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
}

std::string pattern_of(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t at = 0; at < path.size(); ++at) {
    const char c = path[at];
    const bool variable = c == '@' && path.substr(at + 1).starts_with('{');
    if (!is_printable(c) || c == '"' || c == '\\' || variable) {
      add_octal(out, c);
    } else {
      if (is_special(c)) {
        out += '\\';
      }
      out += c;
    }
  }
  return out;
}

std::string word_of(std::string_view pattern) {
  std::string text;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    char c = pattern[at];
    if (c != '\\') {
      is_printable(c) && c != '"' ? void(text += c) : add_octal(text, c);
      continue;
    }
    // An escape: \\ and \" in octal, others as they are. A backslash before a
    // byte that needs none says nothing and is left out with it.
    c = ++at < pattern.size() ? pattern[at] : '\\';
    if (c == '\\' || c == '"' || !is_printable(c)) {
      add_octal(text, c);
    } else {
      text += '\\';
      text += c;
    }
  }
  return stands_bare(text) ? text : '"' + text + '"';
}

}  // namespace vambrace::policy::apparmor
