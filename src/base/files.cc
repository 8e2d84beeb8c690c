#include "base/files.h"

#include "base/printable.h"

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

Result<std::string> read_regular(const Files& files, const std::string& path,
                                 std::uint64_t limit) {
  if (files.exists(path) && !files.is_regular(path)) {
    return fail(ErrorCode::InvalidInput, "{}: not a regular file",
                printable(path));
  }
  return files.read(path, limit);
}

}  // namespace vambrace
