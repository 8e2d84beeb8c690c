#include "evidence/identity.h"

#include <algorithm>

#include "base/json.h"

namespace vambrace::evidence {
namespace {

constexpr std::size_t kLongest = 255;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

Error refused(std::string_view id, const std::string& why) {
  return Error(ErrorCode::InvalidInput,
               fmt::format("\"{}\" is no workload identity: {}",
                           json::quote_bytes(id.substr(0, kLongest)), why))
      .with_hint(
          "like spiffe://example.org/shop/web: letters, digits and . - _ "
          "between single slashes");
}

}  // namespace

Result<> check_identity(std::string_view id) {
  constexpr std::string_view kScheme = "spiffe://";
  if (id.size() > kLongest) {
    return std::unexpected(refused(
        id, fmt::format("{} characters, more than {}", id.size(), kLongest)));
  }
  std::string_view rest = id;
  if (rest.starts_with(kScheme)) {
    rest.remove_prefix(kScheme.size());
  }
  while (true) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    if (part.empty() || part == "." || part == "..") {
      return std::unexpected(refused(
          id, part.empty() ? "a part of it is empty"
                           : fmt::format("a part of it is \"{}\"", part)));
    }
    if (const auto* odd = std::ranges::find_if_not(part, is_plain);
        odd != part.end()) {
      return std::unexpected(
          refused(id, fmt::format("it holds \"{}\"",
                                  json::quote_bytes(std::string(1, *odd)))));
    }
    if (part.size() == rest.size()) {
      return {};
    }
    rest.remove_prefix(part.size() + 1);
  }
}

}  // namespace vambrace::evidence
