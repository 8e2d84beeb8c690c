#include "enforcer/apparmor/labels.h"

#include <algorithm>
#include <optional>

namespace vambrace::enforcer::apparmor {
namespace {

bool is_mode(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
  });
}

// "NAME (MODE)"; nullopt if there is no mode at the end.
std::optional<Profile> with_mode(std::string_view text) {
  const std::size_t open = text.rfind(" (");
  if (open == std::string_view::npos || open == 0 || !text.ends_with(')')) {
    return std::nullopt;
  }
  const std::string_view mode = text.substr(open + 2, text.size() - open - 3);
  if (!is_mode(mode)) {
    return std::nullopt;
  }
  return Profile{std::string(text.substr(0, open)), std::string(mode)};
}

std::vector<std::string> stack(std::string_view label) {
  constexpr std::string_view kAnd = "//&";
  std::vector<std::string> result;
  while (true) {
    const std::size_t end = label.find(kAnd);
    result.emplace_back(label.substr(0, end));
    if (end == std::string_view::npos) {
      return result;
    }
    label.remove_prefix(end + kAnd.size());
  }
}

}  // namespace

Result<std::vector<Profile>> parse_profiles(std::string_view text) {
  std::vector<Profile> result;
  std::size_t from = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (auto profile = with_mode(text.substr(from, end - from))) {
      result.push_back(*std::move(profile));
      from = end + 1;
    }
    at = end + 1;
  }
  if (from < text.size()) {
    return fail(ErrorCode::InvalidInput,
                "profiles: byte {}: a profile without its mode", from);
  }
  std::ranges::sort(result);
  return result;
}

Result<Confinement> parse_current(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\0')) {
    text.remove_suffix(1);
  }
  if (text == "unconfined") {
    return Confinement{};
  }
  const std::optional<Profile> profile = with_mode(text);
  if (!profile) {
    return fail(ErrorCode::InvalidInput, "attr/current: no mode at its end");
  }
  return Confinement{stack(profile->name), profile->mode};
}

}  // namespace vambrace::enforcer::apparmor
