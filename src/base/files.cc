#include "base/files.h"

namespace vambrace {

std::optional<std::string_view> staged_name(std::string_view entry) {
  constexpr std::string_view kMark = ".vambrace-";
  constexpr std::size_t kRandom = 6;
  const std::size_t more = kMark.size() + kRandom;
  if (!entry.starts_with('.') || entry.size() <= 1 + more ||
      !entry.substr(entry.size() - more).starts_with(kMark)) {
    return std::nullopt;
  }
  return entry.substr(1, entry.size() - 1 - more);
}

}  // namespace vambrace
