#include "base/json_cursor.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/json.h"

namespace vambrace::json {
namespace {

constexpr std::size_t kMaxString = 1U << 20;

// ASCII that stands for itself in a string and does not end it.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x80; ++byte) {
    plain[byte] = byte != '"' && byte != '\\';
  }
  return plain;
}();

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

void append_utf8(std::uint32_t point, std::string& out) {
  const auto put = [&](std::uint32_t byte) {
    out += static_cast<char>(static_cast<unsigned char>(byte));
  };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

}  // namespace

void Cursor::skip_space() {
  while (at_ < text_.size() && is_space(text_[at_])) {
    ++at_;
  }
}

// The characters of a string up to one that is looked at more closely.
void Cursor::skip_plain() {
  const auto* const end = text_.data() + text_.size();
  const auto* at = text_.data() + at_;
  while (at != end && kPlain[static_cast<unsigned char>(*at)]) {
    ++at;
  }
  at_ = static_cast<std::size_t>(at - text_.data());
}

bool Cursor::accept(char c) {
  skip_space();
  if (at_ < text_.size() && text_[at_] == c) {
    ++at_;
    return true;
  }
  return false;
}

Result<> Cursor::expect(char c) {
  if (accept(c)) {
    return {};
  }
  if (at_ == text_.size()) {
    return fail("the text ends where '{}' should be", c);
  }
  return fail("'{}' expected", c);
}

bool Cursor::accept_word(std::string_view word) {
  skip_space();
  if (!text_.substr(at_).starts_with(word)) {
    return false;
  }
  at_ += word.size();
  return true;
}

Result<std::uint32_t> Cursor::hex4() {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    if (c >= '0' && c <= '9') {
      value = value * 16 + static_cast<std::uint32_t>(c - '0');
    } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
      value = value * 16 + static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
    } else {
      return fail("\\u needs four hexadecimal digits");
    }
  }
  return value;
}

// One escape; the backslash has been read.
Result<> Cursor::unescape(std::string& out) {
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  if (const std::size_t i = kLetters.find(c); i != std::string_view::npos) {
    out += kValues[i];
    return {};
  }
  if (c != 'u') {
    return fail("unknown escape in a string");
  }
  TRY_ASSIGN(std::uint32_t point, hex4());
  if (point >= 0xd800 && point < 0xdc00) {
    if (!text_.substr(at_).starts_with("\\u")) {
      return fail("half of a surrogate pair in a string");
    }
    at_ += 2;
    TRY_ASSIGN(const std::uint32_t low, hex4());
    if (low < 0xdc00 || low > 0xdfff) {
      return fail("half of a surrogate pair in a string");
    }
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  } else if (point >= 0xdc00 && point <= 0xdfff) {
    return fail("half of a surrogate pair in a string");
  }
  append_utf8(point, out);
  return {};
}

Result<std::string_view> Cursor::string(std::string& storage) {
  if (at_ >= text_.size() || text_[at_] != '"') {
    return fail("not a string");
  }
  const std::size_t begin = ++at_;
  bool escaped = false;
  bool ascii = true;
  std::size_t copied = begin;
  for (skip_plain(); at_ < text_.size() && text_[at_] != '"'; skip_plain()) {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte < 0x20) {
      return fail("a control character in a string");
    }
    ascii = ascii && byte < 0x80;
    if (byte != '\\') {
      ++at_;
      continue;
    }
    escaped = true;
    storage += text_.substr(copied, at_ - copied);
    ++at_;
    TRY(unescape(storage));
    copied = at_;
  }
  if (at_ >= text_.size()) {
    return fail("the text ends inside a string");
  }
  std::string_view result = text_.substr(begin, at_ - begin);
  if (escaped) {
    storage += text_.substr(copied, at_ - copied);
    result = storage;
  }
  ++at_;
  if (result.size() > kMaxString) {
    return fail("a string is too long");
  }
  if (!ascii && !is_utf8(result)) {
    return fail("a string is not UTF-8");
  }
  return result;
}

Result<std::string_view> Cursor::text(std::string& storage) {
  skip_space();
  storage.clear();
  return string(storage);
}

Result<std::string> Cursor::text() {
  std::string storage;
  TRY_ASSIGN(const std::string_view value, text(storage));
  return std::string(value);
}

Result<std::uint64_t> Cursor::number() {
  skip_space();
  const std::size_t begin = at_;
  std::uint64_t value = 0;
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
    const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
    if (value > (kMax - digit) / 10) {
      return fail("the number does not fit in 64 bits");
    }
    value = value * 10 + digit;
  }
  const bool empty = at_ == begin;
  const bool padded = at_ > begin + 1 && text_[begin] == '0';
  const char next = at_ < text_.size() ? text_[at_] : '\0';
  if (empty || padded || next == '.' || next == 'e' || next == 'E') {
    return fail("not an unsigned number");
  }
  return value;
}

Result<bool> Cursor::boolean() {
  if (accept_word("true")) {
    return true;
  }
  if (accept_word("false")) {
    return false;
  }
  return fail("not true or false");
}

bool Cursor::null() {
  return accept_word("null");
}

bool Cursor::at_text() {
  skip_space();
  return at_ < text_.size() && text_[at_] == '"';
}

Result<> Cursor::finish() {
  skip_space();
  if (at_ != text_.size()) {
    return fail("bytes after the end of the document");
  }
  return {};
}

std::string Cursor::place() const {
  std::string out;
  for (const Step& step : path_) {
    if (step.is_index) {
      out += fmt::format("[{}]", step.index);
    } else {
      out += out.empty() ? "" : ".";
      out += quote_bytes(step.key.substr(0, 80));
    }
  }
  return out;
}

std::unexpected<Error> Cursor::failed(std::string what) const {
  const auto line =
      1 + std::count(text_.begin(),
                     text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
  const std::string where = place();
  return vambrace::fail(ErrorCode::InvalidInput, "line {}: {}{}{}", line, where,
                        where.empty() ? "" : ": ", what);
}

Result<> read(Cursor& in, std::string& out) {
  std::string storage;
  TRY_ASSIGN(const std::string_view text, in.text(storage));
  if (!text.contains('\\')) {
    out = text;
    return {};
  }
  Result<std::string> bytes = unquote_bytes(text);
  if (!bytes) {
    return in.fail("{}", bytes.error().message());
  }
  out = std::move(*bytes);
  return {};
}

Result<> read(Cursor& in, std::uint64_t& out) {
  TRY_ASSIGN(out, in.number());
  return {};
}

Result<> read(Cursor& in, std::uint32_t& out) {
  TRY_ASSIGN(const std::uint64_t value, in.number());
  if (value > std::numeric_limits<std::uint32_t>::max()) {
    return in.fail("the number does not fit in 32 bits");
  }
  out = static_cast<std::uint32_t>(value);
  return {};
}

Result<> read(Cursor& in, bool& out) {
  TRY_ASSIGN(out, in.boolean());
  return {};
}

namespace {

template <class T>
Result<> read_map(Cursor& in, std::map<std::string, T>& out) {
  return in.object([&](std::string_view key) -> Result<> {
    std::string name(key);
    if (name.find('\\') != std::string::npos) {
      Result<std::string> bytes = unquote_bytes(name);
      if (!bytes) {
        return in.fail("{}", bytes.error().message());
      }
      name = std::move(*bytes);
    }
    const auto [slot, fresh] = out.try_emplace(std::move(name));
    if (!fresh) {
      return in.fail("appears twice");
    }
    return read(in, slot->second);
  });
}

}  // namespace

Result<> read(Cursor& in, std::map<std::string, std::string>& out) {
  return read_map(in, out);
}

Result<> read(Cursor& in, std::map<std::string, std::uint64_t>& out) {
  return read_map(in, out);
}

}  // namespace vambrace::json
