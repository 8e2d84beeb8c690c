#include "policy/apparmor/pattern_text.h"

#include <set>
#include <utility>

namespace vambrace::policy::apparmor {
namespace {

// Digits of the base, as many as keep the value in a byte.
std::optional<Escape> read_number(std::string_view text, std::size_t at,
                                  unsigned base, std::size_t most) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  unsigned value = 0;
  std::size_t end = at;
  while (end < text.size() && end < at + most) {
    const char c = text[end];
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
    const std::size_t digit = kDigits.substr(0, base).find(lower);
    if (digit == std::string_view::npos || value * base + digit > 255) {
      break;
    }
    value = value * base + static_cast<unsigned>(digit);
    ++end;
  }
  if (end == at) {
    return std::nullopt;
  }
  return Escape{.byte = static_cast<unsigned char>(value), .end = end};
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct Use {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string_view name;
};

// The first variable of the text.
std::optional<Use> find_variable(std::string_view text) {
  bool escaped = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '@' && !escaped && text.substr(at + 1).starts_with('{')) {
      std::size_t end = at + 2;
      while (end < text.size() &&
             (is_letter(text[end]) ||
              (end > at + 2 &&
               (text[end] == '_' || (text[end] >= '0' && text[end] <= '9'))))) {
        ++end;
      }
      if (end < text.size() && text[end] == '}') {
        return Use{.begin = at,
                   .end = end + 1,
                   .name = text.substr(at + 2, end - at - 2)};
      }
    }
    escaped = text[at] == '\\' && !escaped;
  }
  return std::nullopt;
}

// The values of a variable, free of variables.
class Values {
 public:
  explicit Values(const Variables& variables) : variables_(variables) {}

  Result<std::vector<std::string>> of(std::string_view name) {
    const auto found = variables_.find(name);
    if (name.empty() || found == variables_.end() || found->second.empty()) {
      return fail(ErrorCode::InvalidInput, "the variable @{{{}}} has no value",
                  name);
    }
    if (!open_.insert(found->first).second) {
      return fail(ErrorCode::InvalidInput, "the variable @{{{}}} uses itself",
                  name);
    }
    std::vector<std::string> out;
    for (const std::string& value : found->second) {
      TRY(add(replace_escapes(value), out));
    }
    open_.erase(found->first);
    return out;
  }

 private:
  Result<> add(std::string value, std::vector<std::string>& out) {
    size_ += value.size() + 1;
    if (size_ > kMaxPatternText) {
      return fail(ErrorCode::InvalidInput,
                  "the values of its variables take more than {} bytes",
                  kMaxPatternText);
    }
    const auto use = find_variable(value);
    if (!use) {
      out.push_back(std::move(value));
      return {};
    }
    TRY_ASSIGN(const auto inner, of(use->name));
    for (const std::string& part : inner) {
      TRY(add(value.substr(0, use->begin) + part + value.substr(use->end),
              out));
    }
    return {};
  }

  const Variables& variables_;
  std::set<std::string, std::less<>> open_;
  std::size_t size_ = 0;
};

// Several values as alternatives. Where the text has a slash beside the
// variable, the values' own slashes there are left out.
std::string alternatives(const std::vector<std::string>& values,
                         bool after_slash, bool before_slash) {
  if (values.size() == 1) {
    return values.front();
  }
  std::string out;
  for (const std::string& value : values) {
    out += out.empty() ? '{' : ',';
    std::size_t begin = 0;
    while (after_slash && begin < value.size() && value[begin] == '/') {
      ++begin;
    }
    out += std::string_view(value).substr(begin);
    while (before_slash && out.ends_with('/')) {
      out.pop_back();
    }
  }
  return out + '}';
}

}  // namespace

std::optional<Escape> read_escape(std::string_view text, std::size_t at) {
  if (at >= text.size()) {
    return std::nullopt;
  }
  const char c = text[at];
  if (c >= '0' && c <= '7') {
    return read_number(text, at, 8, 3);
  }
  if (c == 'd') {
    return read_number(text, at + 1, 10, 3);
  }
  if (c == 'x') {
    return read_number(text, at + 1, 16, 2);
  }
  constexpr std::string_view kNames = "\\\"aefnrt";
  constexpr std::string_view kBytes = "\\\"\a\033\f\n\r\t";
  const std::size_t found = kNames.find(c);
  if (found == std::string_view::npos) {
    return std::nullopt;
  }
  return Escape{.byte = static_cast<unsigned char>(kBytes[found]),
                .end = at + 1};
}

std::string_view plain_start(std::string_view pattern) {
  return pattern.substr(0, pattern.find_first_of("\\*?[]{}@\"^,"));
}

std::string replace_escapes(std::string_view text) {
  constexpr std::string_view kOfPatterns = "*?[]{}^,\\";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto escape =
        text[at] == '\\' ? read_escape(text, at + 1) : std::nullopt;
    if (!escape) {
      out += text[at++];
      continue;
    }
    const char byte = static_cast<char>(escape->byte);
    if (byte == 0) {
      out += text.substr(at, escape->end - at);
    } else {
      if (kOfPatterns.find(byte) != std::string_view::npos) {
        out += '\\';
      }
      out += byte;
    }
    at = escape->end;
  }
  return out;
}

Result<std::string> replace_variables(std::string text,
                                      const Variables& variables) {
  // Values bring no variable with them, but text on both sides of one may.
  for (int rounds = 0; rounds < 1000; ++rounds) {
    const auto use = find_variable(text);
    if (!use) {
      return text;
    }
    TRY_ASSIGN(const auto values, Values(variables).of(use->name));
    const bool after = use->begin > 0 && text[use->begin - 1] == '/';
    const bool before = use->end < text.size() && text[use->end] == '/';
    text = text.substr(0, use->begin) + alternatives(values, after, before) +
           text.substr(use->end);
    if (text.size() > kMaxPatternText) {
      return fail(ErrorCode::InvalidInput,
                  "with its variables it is longer than {} bytes",
                  kMaxPatternText);
    }
  }
  return fail(ErrorCode::InvalidInput, "it uses more than 1000 variables");
}

std::string join_slashes(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  if (text.starts_with("//") && !text.starts_with("///")) {
    out = "//";
    at = 2;
  }
  for (const std::size_t begin = at; at < text.size(); ++at) {
    if (text[at] != '/' || at == begin || text[at - 1] != '/') {
      out += text[at];
    }
  }
  return out;
}

}  // namespace vambrace::policy::apparmor
