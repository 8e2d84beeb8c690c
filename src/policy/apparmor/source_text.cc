#include "policy/apparmor/source_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "policy/apparmor/quote.h"

namespace vambrace::policy::apparmor {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool is_small(char c) {
  return (c >= 'a' && c <= 'z') || c == '_';
}

bool is_any_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What a plain word of a path may hold.
bool is_path_byte(char c) {
  return is_any_letter(c) || is_digit(c) ||
         std::string_view("._+-/").find(c) != std::string_view::npos;
}

}  // namespace

std::string SourceText::place() const {
  const auto line = std::ranges::count(text_.substr(0, at_), '\n') + 1;
  return fmt::format("{}: line {}", printable(path_), line);
}

Error SourceText::misread(std::string_view what) const {
  return {ErrorCode::InvalidInput, fmt::format("{}: {}", place(), what)};
}

bool SourceText::take(std::string_view text) {
  const bool is = next_is(text);
  at_ += is ? text.size() : 0;
  return is;
}

bool SourceText::space_at(std::size_t at) const {
  return at >= text_.size() || kSpace.find(text_[at]) != std::string_view::npos;
}

void SourceText::skip_space() {
  while (!at_end()) {
    if (space_at(at_)) {
      ++at_;
    } else if (next() == '#' && !next_is("#include")) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      break;
    }
  }
}

void SourceText::skip_blanks() {
  while (next() == ' ' || next() == '\t' || next() == '\r') {
    ++at_;
  }
}

Result<std::optional<SourceText::Included>> SourceText::include() {
  const std::size_t begin = at_;
  if (!take("#include") && !take("include")) {
    return std::nullopt;
  }
  Included out;
  skip_blanks();
  if (take("if")) {
    skip_blanks();
    out.if_exists = take("exists");
    skip_blanks();
  }
  const std::size_t end = std::min(text_.find('>', at_), text_.size());
  if (!take("<") || end == text_.size()) {
    at_ = begin;
    return std::unexpected(misread("an include that is not <of this folder>"));
  }
  out.path = text_.substr(at_, end - at_);
  if (!std::ranges::all_of(out.path, is_path_byte) ||
      out.path.find("..") != std::string::npos ||
      out.path.find("//") != std::string::npos || out.path.ends_with('/')) {
    return std::unexpected(misread("an include of an unusual name"));
  }
  at_ = end + 1;
  return out;
}

std::string_view SourceText::keyword() {
  const std::size_t begin = at_;
  while (is_small(next())) {
    ++at_;
  }
  return text_.substr(begin, at_ - begin);
}

std::string_view SourceText::letters() {
  const std::size_t begin = at_;
  while (is_any_letter(next())) {
    ++at_;
  }
  return text_.substr(begin, at_ - begin);
}

std::string_view SourceText::name() {
  const std::size_t begin = at_;
  while (is_any_letter(next()) ||
         (at_ > begin && (is_digit(next()) || next() == '_'))) {
    ++at_;
  }
  return text_.substr(begin, at_ - begin);
}

Result<std::string> SourceText::quoted_word() {
  const std::size_t begin = ++at_;
  while (next() >= ' ' && next() <= '~' && next() != '"') {
    ++at_;
  }
  std::string out(text_.substr(begin, at_ - begin));
  if (next() != '"' || out.ends_with('\\') || !space_at(at_ + 1)) {
    return std::unexpected(misread("a quoted name that is not understood"));
  }
  ++at_;
  return out;
}

Result<std::string> SourceText::word() {
  if (next() == '"') {
    return quoted_word();
  }
  const std::size_t begin = at_;
  int groups = 0;
  while (!at_end()) {
    const char c = next();
    // A comma belongs to the word only where more of it follows.
    const bool comma = c == ',' && groups > 0 && at_ + 1 < text_.size() &&
                       is_harmless(text_[at_ + 1]);
    if (!comma && !is_harmless(c)) {
      break;
    }
    groups += c == '{' ? 1 : c == '}' ? -1 : 0;
    ++at_;
  }
  std::string out(text_.substr(begin, at_ - begin));
  if (out.empty() || out.ends_with('\\') || !space_at(at_)) {
    return std::unexpected(misread("a name that is not understood"));
  }
  return out;
}

Result<> SourceText::end_of_rule() {
  skip_space();
  if (next() != ',' || !space_at(at_ + 1)) {
    return std::unexpected(misread("a rule that is not understood"));
  }
  ++at_;
  return {};
}

Result<> SourceText::skip_rule() {
  int open = 0;
  bool quoted = false;
  for (; !at_end(); ++at_) {
    const char c = next();
    quoted ^= c == '"';
    if (quoted) {
      continue;
    }
    open += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && open == 0 && space_at(at_ + 1)) {
      ++at_;
      return {};
    }
  }
  return std::unexpected(misread("a rule without an end"));
}

}  // namespace vambrace::policy::apparmor
