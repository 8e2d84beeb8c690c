#include "elf/loader_words.h"

#include <algorithm>

namespace vambrace::elf {
namespace {

constexpr std::size_t kMaxParts = 1000;
constexpr std::size_t kMaxExpanded = 16;
constexpr std::size_t kMaxPath = 4096;

// How many bytes of "ORIGIN/x" or "{ORIGIN}/x" are the token; 0: another one.
std::size_t token_size(std::string_view text, std::string_view token) {
  const bool braced = text.starts_with('{');
  const std::string_view rest = text.substr(braced ? 1 : 0);
  if (!rest.starts_with(token)) {
    return 0;
  }
  const char next = rest.size() > token.size() ? rest[token.size()] : '\0';
  if (braced) {
    return next == '}' ? token.size() + 2 : 0;
  }
  const bool goes_on = (next >= 'A' && next <= 'Z') || next == '_' ||
                       (next >= 'a' && next <= 'z') ||
                       (next >= '0' && next <= '9');
  return goes_on ? 0 : token.size();
}

// Puts each value behind each text.
std::vector<std::string> times(const std::vector<std::string>& texts,
                               const std::vector<std::string>& values) {
  std::vector<std::string> longer;
  for (const std::string& value : values) {
    for (const std::string& text : texts) {
      if (longer.size() < kMaxExpanded) {
        longer.push_back(text + value);
      }
    }
  }
  return longer;
}

}  // namespace

std::vector<std::string_view> split(std::string_view text,
                                    std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty() && parts.size() < kMaxParts) {
    const std::size_t end =
        std::min(text.find_first_of(separators), text.size());
    if (end > 0) {
      parts.push_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(path.substr(
      0, slash == std::string_view::npos || slash == 0 ? slash + 1 : slash));
}

std::vector<std::string> expand_tokens(std::string_view text,
                                       const std::vector<Token>& tokens,
                                       UnknownToken unknown) {
  if (text.size() > kMaxPath) {
    return {};
  }
  std::vector<std::string> made = {""};
  while (!text.empty()) {
    if (const std::size_t plain = std::min(text.find('$'), text.size());
        plain > 0) {
      made = times(made, {std::string(text.substr(0, plain))});
      text.remove_prefix(plain);
      continue;
    }
    text.remove_prefix(1);
    const auto token = std::ranges::find_if(tokens, [&](const Token& one) {
      return token_size(text, one.first) > 0;
    });
    if (token != tokens.end()) {
      made = times(made, token->second);
      text.remove_prefix(token_size(text, token->first));
    } else if (unknown == UnknownToken::Keep) {
      made = times(made, {"$"});
    } else {
      return {};
    }
  }
  return made;
}

}  // namespace vambrace::elf
