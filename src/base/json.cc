#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace vambrace::json {
namespace {

// Builds the value and refuses what nlohmann::json would quietly accept:
// duplicate keys, integers that turned into doubles, unlimited depth.
class Builder : public nlohmann::json_sax<Value> {
 public:
  explicit Builder(const Limits& limits) : limits_(limits) {}

  bool null() override { return put(Value(nullptr)); }
  bool boolean(bool value) override { return put(Value(value)); }
  bool number_integer(number_integer_t value) override {
    return put(Value(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return put(Value(value));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (text.find_first_of(".eE") == std::string::npos) {
      return stop("the number " + text.substr(0, 40) +
                  " does not fit in 64 bits");
    }
    return put(Value(value));
  }
  bool string(string_t& value) override {
    if (value.size() > limits_.string_bytes) {
      return stop("a string is too long");
    }
    return put(Value(std::move(value)));
  }
  bool binary(binary_t& /*value*/) override { return stop("binary value"); }

  bool start_object(std::size_t /*size*/) override {
    return open(Value::object());
  }
  bool key(string_t& key) override {
    if (key.size() > limits_.string_bytes) {
      return stop("a key is too long");
    }
    if (stack_.back()->contains(key)) {
      return stop("the key \"" + quote_bytes(key).substr(0, 80) +
                  "\" appears twice");
    }
    key_ = key;
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override {
    return open(Value::array());
  }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    offset = position;
    std::string what = error.what();
    // Drop the library's own prefix "[json.exception...] ... : ".
    if (auto colon = what.find(": "); colon != std::string::npos) {
      what.erase(0, colon + 2);
    }
    // The library quotes what it read, which may be long or hostile.
    message = what.substr(0, 200);
    return false;
  }

  Value root;
  std::string message;
  std::size_t offset = 0;

 private:
  bool stop(std::string why) {
    message = std::move(why);
    return false;
  }
  Value* place(Value value) {
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    Value& top = *stack_.back();
    if (top.is_array()) {
      top.push_back(std::move(value));
      return &top.back();
    }
    Value& slot = top[key_];
    slot = std::move(value);
    return &slot;
  }
  bool count() {
    return ++values_ <= limits_.values || stop("too many values");
  }
  bool put(Value value) {
    if (!count()) {
      return false;
    }
    place(std::move(value));
    return true;
  }
  bool open(Value value) {
    if (!count()) {
      return false;
    }
    if (stack_.size() >= limits_.depth) {
      return stop("nested too deeply");
    }
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  Limits limits_;
  std::vector<Value*> stack_;
  std::string key_;
  std::size_t values_ = 0;
};

}  // namespace

Result<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes) {
    return fail(ErrorCode::InvalidInput,
                "{} bytes of JSON, more than the limit of {}", text.size(),
                limits.bytes);
  }
  Builder builder(limits);
  if (!Value::sax_parse(text.begin(), text.end(), &builder)) {
    const std::string why = quote_bytes(builder.message);
    if (builder.offset != 0) {
      return fail(ErrorCode::InvalidInput, "not JSON at byte {}: {}",
                  builder.offset, why);
    }
    return fail(ErrorCode::InvalidInput, "unusable JSON: {}", why);
  }
  return std::move(builder.root);
}

std::string print(const Value& value) {
  return value.dump(2, ' ', false, Value::error_handler_t::strict) + "\n";
}

std::string print_line(const Value& value) {
  return value.dump(-1, ' ', false, Value::error_handler_t::strict) + "\n";
}

namespace {

// Length of the valid UTF-8 sequence at the start of `text`, or 0.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  const std::size_t length = lead >= 0xf0   ? 4
                             : lead >= 0xe0 ? 3
                             : lead >= 0xc2 ? 2
                                            : 0;
  if (length == 0 || lead > 0xf4 || text.size() < length) {
    return 0;
  }
  std::uint32_t point = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
    point = (point << 6) | (byte(i) & 0x3fU);
  }
  static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < kLeast[length] || point > 0x10ffff || surrogate) {
    return 0;
  }
  return length;
}

// Valid, and still nothing that a reader would see: C0 and C1 controls, and the
// marks that turn the direction of writing (Unicode: Bidi_Control).
bool acts(std::string_view character) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(character[i]);
  };
  switch (character.size()) {
    case 1:
      return byte(0) < 0x20 || byte(0) == 0x7f;
    case 2:
      return (byte(0) == 0xc2 && byte(1) < 0xa0) ||  // U+0080 to U+009F
             character == "\u061c";
    case 3: {
      const std::uint32_t point = ((byte(0) & 0x0fU) << 12) |
                                  ((byte(1) & 0x3fU) << 6) | (byte(2) & 0x3fU);
      return point == 0x200e || point == 0x200f ||
             (point >= 0x2028 && point <= 0x202e) ||
             (point >= 0x2066 && point <= 0x2069);
    }
    default:
      return false;
  }
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return -1;
}

}  // namespace

std::string quote_bytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    const std::size_t length = utf8_length(bytes.substr(at));
    if (byte == '\\') {
      out += "\\\\";
      ++at;
    } else if (length == 0) {
      out += fmt::format("\\x{:02x}", byte);
      ++at;
    } else if (acts(bytes.substr(at, length))) {
      for (const std::size_t end = at + length; at < end; ++at) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[at]));
      }
    } else {
      out += bytes.substr(at, length);
      at += length;
    }
  }
  return out;
}

void append_quoted(std::string& out, std::string_view bytes) {
  const auto plain = [](char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  };
  out += '"';
  if (std::all_of(bytes.begin(), bytes.end(), plain)) {
    out += bytes;
  } else {
    for (const char c : quote_bytes(bytes)) {
      if (c == '"' || c == '\\') {
        out += '\\';
      }
      out += c;
    }
  }
  out += '"';
}

static void append_digits(std::string& out, std::uint64_t number, int base) {
  char digits[20];
  const auto end =
      std::to_chars(std::begin(digits), std::end(digits), number, base);
  out.append(digits, end.ptr);
}

void append_number(std::string& out, std::uint64_t number) {
  append_digits(out, number, 10);
}

void append_hex(std::string& out, std::uint64_t number) {
  out += "\"0x";
  append_digits(out, number, 16);
  out += '"';
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

Result<std::string> unquote_bytes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      out += text[at];
      continue;
    }
    if (at + 1 < text.size() && text[at + 1] == '\\') {
      out += '\\';
      ++at;
      continue;
    }
    const bool hex = at + 3 < text.size() && text[at + 1] == 'x';
    const int high = hex ? hex_value(text[at + 2]) : -1;
    const int low = hex ? hex_value(text[at + 3]) : -1;
    if (high < 0 || low < 0) {
      return fail(ErrorCode::InvalidInput,
                  "a backslash must be followed by \\ or xNN");
    }
    out += static_cast<char>(high * 16 + low);
    at += 3;
  }
  return out;
}

Result<Reader> Reader::of(const Value& value, std::string place) {
  if (!value.is_object()) {
    return fail(ErrorCode::InvalidInput, "{}: not an object",
                place.empty() ? "document" : place);
  }
  return Reader(value, std::move(place));
}

std::string Reader::place_of(const char* key) const {
  return place_.empty() ? std::string(key) : place_ + "." + key;
}

const Value* Reader::optional(const char* key) {
  seen_.emplace_back(key);
  auto it = value_->find(key);
  return it == value_->end() || it->is_null() ? nullptr : &*it;
}

Result<const Value*> Reader::member(const char* key) {
  const Value* value = optional(key);
  if (value == nullptr) {
    return fail(ErrorCode::InvalidInput, "{}: missing", place_of(key));
  }
  return value;
}

Result<std::string> Reader::text(const char* key) {
  TRY_ASSIGN(const Value* value, member(key));
  if (!value->is_string()) {
    return fail(ErrorCode::InvalidInput, "{}: not a string", place_of(key));
  }
  return value->get<std::string>();
}

Result<std::uint64_t> Reader::number(const char* key) {
  TRY_ASSIGN(const Value* value, member(key));
  if (!value->is_number_unsigned()) {
    return fail(ErrorCode::InvalidInput, "{}: not an unsigned number",
                place_of(key));
  }
  return value->get<std::uint64_t>();
}

Result<bool> Reader::boolean(const char* key) {
  TRY_ASSIGN(const Value* value, member(key));
  if (!value->is_boolean()) {
    return fail(ErrorCode::InvalidInput, "{}: not true or false",
                place_of(key));
  }
  return value->get<bool>();
}

Result<const Value*> Reader::object(const char* key) {
  TRY_ASSIGN(const Value* value, member(key));
  if (!value->is_object()) {
    return fail(ErrorCode::InvalidInput, "{}: not an object", place_of(key));
  }
  return value;
}

Result<const Value*> Reader::array(const char* key) {
  TRY_ASSIGN(const Value* value, member(key));
  if (!value->is_array()) {
    return fail(ErrorCode::InvalidInput, "{}: not an array", place_of(key));
  }
  return value;
}

Result<std::vector<std::string>> Reader::texts(const char* key) {
  TRY_ASSIGN(const Value* value, array(key));
  std::vector<std::string> out;
  for (const Value& item : *value) {
    if (!item.is_string()) {
      return fail(ErrorCode::InvalidInput, "{}[{}]: not a string",
                  place_of(key), out.size());
    }
    out.push_back(item.get<std::string>());
  }
  return out;
}

Result<std::map<std::string, std::uint64_t>> Reader::numbers(const char* key) {
  TRY_ASSIGN(const Value* value, object(key));
  std::map<std::string, std::uint64_t> out;
  for (const auto& [name, item] : value->items()) {
    if (!item.is_number_unsigned()) {
      return fail(ErrorCode::InvalidInput, "{}.{}: not an unsigned number",
                  place_of(key), quote_bytes(name));
    }
    out[name] = item.get<std::uint64_t>();
  }
  return out;
}

Result<std::string> Reader::text_or(const char* key, std::string fallback) {
  return optional(key) == nullptr ? Result<std::string>(std::move(fallback))
                                  : text(key);
}

Result<std::uint64_t> Reader::number_or(const char* key,
                                        std::uint64_t fallback) {
  return optional(key) == nullptr ? Result<std::uint64_t>(fallback)
                                  : number(key);
}

Result<bool> Reader::boolean_or(const char* key, bool fallback) {
  return optional(key) == nullptr ? Result<bool>(fallback) : boolean(key);
}

Result<> Reader::finish() const {
  for (const auto& [key, value] : value_->items()) {
    if (std::find(seen_.begin(), seen_.end(), key) == seen_.end()) {
      return fail(ErrorCode::InvalidInput, "{}: unknown key \"{}\"",
                  place_.empty() ? "document" : place_, quote_bytes(key));
    }
  }
  return {};
}

}  // namespace vambrace::json
