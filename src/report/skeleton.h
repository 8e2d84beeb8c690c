#pragma once

#include <string>
#include <string_view>

// What a browser makes of a page apart from its texts, for tests that compare
// pages which differ in their texts alone.
namespace vambrace::report {

// Each tag with the names of its attributes, one a line. Reads as browsers do,
// but stricter: "broken" is a line where a tag or a value has no end, or where
// a value has no quotes.
inline std::string skeleton(std::string_view page) {
  std::string out;
  std::size_t at = 0;
  while ((at = page.find('<', at)) != std::string_view::npos) {
    const std::size_t name_end = page.find_first_of(" >", ++at);
    if (name_end == std::string_view::npos) {
      return out + "broken\n";
    }
    const std::string_view name = page.substr(at, name_end - at);
    out += name;
    at = name_end;
    while (page.substr(at, 1) == " ") {
      const std::size_t end = page.find_first_of("=> ", ++at);
      out += " ";
      out += page.substr(at, end - at);
      at = end;
      if (page.substr(at, 1) == "=") {
        const std::size_t closing = page.find('"', at + 2);
        if (page.substr(at, 2) != "=\"" || closing == std::string_view::npos) {
          return out + "broken\n";
        }
        at = closing + 1;
      }
    }
    if (page.substr(at, 1) != ">") {
      return out + "broken\n";
    }
    out += "\n";
    // Nothing but its own end is a tag in there.
    if (name == "script" || name == "style") {
      at = page.find("</" + std::string(name), at);
    }
  }
  return out;
}

}  // namespace vambrace::report
