#include <utility>

#include "policy/apparmor/pattern_text.h"

namespace vambrace::policy::apparmor {
namespace {

std::unexpected<Error> bad(std::string_view what) {
  return fail(ErrorCode::InvalidInput, "{}", what);
}

// Reads a pattern as signs of an expression.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::vector<Sign>> read() {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        if (++at_ == text_.size()) {
          return bad("it ends in a single backslash");
        }
        escaped(text_[at_]);
      } else {
        TRY(plain(text_[at_]));
      }
    }
    if (in_class_) {
      return bad("a [ is not closed");
    }
    if (!commas_.empty()) {
      return bad("a { is not closed");
    }
    return std::move(signs_);
  }

 private:
  void literal(char c) { signs_.push_back({.c = c, .special = false}); }
  void special(char c) { signs_.push_back({.c = c, .special = true}); }

  // Any byte but a slash, or any; for one of them or for any number.
  void any(bool slash, bool many) {
    special('[');
    special('^');
    if (!slash) {
      literal('/');
    }
    literal('\0');
    special(']');
    if (many) {
      special('*');
    }
  }

  void escaped(char c) {
    if (c == ',' && in_class_) {
      literal('\\');
      literal(',');
    } else if (c == '^') {
      in_class_ ? special(c) : literal(c);
    } else if (c == '-') {
      special(c);
    } else if (const auto escape = read_escape(text_, at_);
               escape && c != '\\') {
      literal(static_cast<char>(escape->byte));
      at_ = escape->end - 1;
    } else {
      literal(c);
    }
  }

  Result<> plain(char c) {
    switch (c) {
      case '*':
        stars();
        return {};
      case '?':
        any(false, false);
        return {};
      case '[':
        in_class_ = true;
        special(c);
        return {};
      case ']':
        if (!in_class_) {
          return bad("a ] closes nothing");
        }
        in_class_ = false;
        special(c);
        return {};
      case '^':
        in_class_ ? special(c) : literal(c);
        return {};
      case '-':
        special(c);
        return {};
      case '{':
      case '}':
      case ',':
        return in_class_ ? (literal(c), Result<>{}) : group(c);
      default:
        literal(c);
        return {};
    }
  }

  Result<> group(char c) {
    if (c == '{') {
      if (commas_.size() == kMaxPatternDepth) {
        return fail(ErrorCode::InvalidInput,
                    "it has more than {} open {{ at one place",
                    kMaxPatternDepth);
      }
      commas_.push_back(0);
      special('(');
    } else if (c == ',') {
      if (commas_.empty()) {
        literal(c);
      } else {
        ++commas_.back();
        special('|');
      }
    } else if (commas_.empty()) {
      return bad("a } closes nothing");
    } else if (commas_.back() == 0) {
      return bad("between { and } there must be a comma");
    } else {
      commas_.pop_back();
      special(')');
    }
    return {};
  }

  void stars() {
    std::size_t end = at_;
    while (end < text_.size() && text_[end] == '*') {
      ++end;
    }
    // The whole of a path component is not empty.
    if (!signs_.empty() && signs_.back().c == '/' &&
        (end == text_.size() || text_[end] == '/')) {
      any(false, false);
    }
    const bool two = end > at_ + 1;
    any(two, true);
    at_ += two ? 1 : 0;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_class_ = false;
  std::vector<std::size_t> commas_;  // of each open {
  std::vector<Sign> signs_;
};

}  // namespace

Result<std::vector<Sign>> read_signs(std::string_view text) {
  return Reader(text).read();
}

}  // namespace vambrace::policy::apparmor
