#include "base/printable.h"

#include "base/json.h"

namespace vambrace {

std::string printable(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t backslash = text.find('\\');
    out += json::quote_bytes(text.substr(0, backslash));
    if (backslash == std::string_view::npos) {
      return out;
    }
    out += '\\';
    text.remove_prefix(backslash + 1);
  }
}

}  // namespace vambrace
