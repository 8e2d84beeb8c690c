#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vambrace::json {

template <class T>
struct Field;

// Reads one JSON document from front to back into typed values, without a tree
// in between: for large documents of a known shape. json::parse is for the
// others.
//
// Strict: unknown, missing and double keys, trailing bytes, invalid UTF-8 and
// numbers outside of 64 unsigned bits are InvalidInput with line and place
// ("line 14: processes[3].syscalls[0].nr: not an unsigned number"). After an
// error the cursor must not be used again. Depth is that of the calling code.
//
// The text must outlive the Cursor.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  // Calls member(key) once per member; it must read the value. The key is valid
  // during the call.
  template <class Member>
  Result<> object(Member&& member);

  // Calls element(index) once per element; it must read the value.
  template <class Element>
  Result<> array(Element&& element);

  // Reads an object of exactly these fields (optional ones may be absent), in
  // any order.
  template <class... T>
  Result<> members(Field<T>... fields);

  Result<std::string> text();
  // The same as a view of the document, or of `storage` if it had escapes.
  Result<std::string_view> text(std::string& storage);
  Result<std::uint64_t> number();
  Result<bool> boolean();
  // Reads a null if one is next.
  bool null();
  // True if a string is next.
  bool at_text();

  // InvalidInput if anything but white space is left.
  Result<> finish();

  // An error at the value that is being read.
  template <class... Args>
  std::unexpected<Error> fail(fmt::format_string<Args...> format,
                              Args&&... args) const {
    return failed(fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  struct Step {
    std::string_view key = {};  // of an object member
    std::size_t index = 0;
    bool is_index = false;
  };

  void skip_space();
  void skip_plain();
  bool accept(char c);
  Result<> expect(char c);
  bool accept_word(std::string_view word);
  // The characters of a string; `storage` holds them if they had escapes.
  Result<std::string_view> string(std::string& storage);
  Result<> unescape(std::string& out);
  Result<std::uint32_t> hex4();
  std::string place() const;
  std::unexpected<Error> failed(std::string what) const;

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Step> path_;
};

// One member for Cursor::members: a variable that some read(Cursor&, T&) fills,
// or a callable that reads the value.
template <class T>
struct Field {
  std::string_view key;
  T target;
  bool optional = false;
};

template <class T>
  requires(!std::invocable<T&>)
Field<T&> field(std::string_view key, T& target) {
  return {key, target};
}
template <std::invocable F>
Field<F> field(std::string_view key, F read) {
  return {key, std::move(read)};
}
template <std::invocable F>
Field<F> optional_field(std::string_view key, F read) {
  return {key, std::move(read), true};
}

// Strings are as quote_bytes wrote them.
Result<> read(Cursor& in, std::string& out);
Result<> read(Cursor& in, std::uint64_t& out);
Result<> read(Cursor& in, std::uint32_t& out);
Result<> read(Cursor& in, bool& out);
Result<> read(Cursor& in, std::map<std::string, std::string>& out);
Result<> read(Cursor& in, std::map<std::string, std::uint64_t>& out);

template <class T>
Result<> read(Cursor& in, std::vector<T>& out) {
  return in.array([&](std::size_t) -> Result<> {
    T value{};
    TRY(read(in, value));
    out.push_back(std::move(value));
    return {};
  });
}

template <class Member>
Result<> Cursor::object(Member&& member) {
  TRY(expect('{'));
  if (accept('}')) {
    return {};
  }
  do {
    skip_space();
    std::string storage;
    TRY_ASSIGN(const std::string_view key, string(storage));
    TRY(expect(':'));
    path_.push_back({.key = key});
    TRY(member(key));
    path_.pop_back();
  } while (accept(','));
  return expect('}');
}

template <class Element>
Result<> Cursor::array(Element&& element) {
  TRY(expect('['));
  if (accept(']')) {
    return {};
  }
  std::size_t index = 0;
  do {
    path_.push_back({.index = index, .is_index = true});
    TRY(element(index));
    path_.pop_back();
    ++index;
  } while (accept(','));
  return expect(']');
}

template <class... T>
Result<> Cursor::members(Field<T>... fields) {
  static_assert(sizeof...(T) <= 64);
  std::uint64_t seen = 0;
  TRY(object([&](std::string_view key) -> Result<> {
    Result<> result;
    std::uint64_t bit = 1;
    const auto take = [&](auto& one) {
      if (one.key != key) {
        bit <<= 1;
        return false;
      }
      if ((seen & bit) != 0) {
        result = fail("appears twice");
      } else if constexpr (std::invocable<decltype(one.target)&>) {
        result = one.target();
      } else {
        result = read(*this, one.target);
      }
      seen |= bit;
      return true;
    };
    if (!(take(fields) || ...)) {
      return fail("unknown key");
    }
    return result;
  }));
  std::string_view missing;
  std::uint64_t bit = 1;
  const auto look = [&](const auto& one) {
    if ((seen & bit) == 0 && !one.optional && missing.empty()) {
      missing = one.key;
    }
    bit <<= 1;
  };
  (look(fields), ...);
  if (!missing.empty()) {
    return fail("the key \"{}\" is missing", missing);
  }
  return {};
}

}  // namespace vambrace::json
