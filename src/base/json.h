#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vambrace::json {

// Objects keep their keys sorted, so equal values print as equal bytes.
using Value = nlohmann::json;

// What a document from outside may cost before it is refused.
struct Limits {
  std::size_t bytes = 256U << 20;
  std::size_t depth = 64;
  std::size_t values = 20'000'000;
  std::size_t string_bytes = 1U << 20;
};

// Parses one document. InvalidInput, with the byte offset, for anything that is
// not plain JSON: trailing bytes, duplicate keys, numbers that do not fit in 64
// bits, invalid UTF-8, or more than the limits allow.
Result<Value> parse(std::string_view text, const Limits& limits = {});

// The canonical form: sorted keys, two spaces, newline at the end. Bytes that
// are not UTF-8 must have been escaped by the caller (see quote_bytes).
std::string print(const Value& value);
// The same on one line, for streams.
std::string print_line(const Value& value);

// Any bytes as a string that is valid UTF-8 and free of control characters:
// other bytes become \xNN and a backslash becomes \\. unquote_bytes turns it
// back; the round trip is exact.
std::string quote_bytes(std::string_view bytes);
Result<std::string> unquote_bytes(std::string_view text);

// Appends quote_bytes(bytes) as a JSON string, with its quotation marks.
void append_quoted(std::string& out, std::string_view bytes);
// Appends the number: 10, or as a JSON string "0xa".
void append_number(std::string& out, std::uint64_t number);
void append_hex(std::string& out, std::uint64_t number);

bool is_utf8(std::string_view text);

// Reads the fields of one object and reports the place of each fault
// ("processes[3].syscalls[0].nr: not an unsigned number"). Unknown keys are
// refused by finish(), so that a misspelt key cannot be lost silently.
//
// The value must outlive the Reader.
class Reader {
 public:
  // InvalidInput unless `value` is an object.
  static Result<Reader> of(const Value& value, std::string place);

  Result<std::string> text(const char* key);
  Result<std::uint64_t> number(const char* key);
  Result<bool> boolean(const char* key);
  // The raw member; InvalidInput if it is missing or of another type.
  Result<const Value*> object(const char* key);
  Result<const Value*> array(const char* key);
  Result<std::vector<std::string>> texts(const char* key);
  Result<std::map<std::string, std::uint64_t>> numbers(const char* key);

  // nullptr if absent or null. Marks the key as seen.
  const Value* optional(const char* key);
  Result<std::string> text_or(const char* key, std::string fallback);
  Result<std::uint64_t> number_or(const char* key, std::uint64_t fallback);
  Result<bool> boolean_or(const char* key, bool fallback);
  bool has(const char* key) const { return value_->contains(key); }

  // InvalidInput if the object has keys nobody asked for.
  Result<> finish() const;

  const std::string& place() const { return place_; }
  std::string place_of(const char* key) const;

 private:
  Reader(const Value& value, std::string place)
      : value_(&value), place_(std::move(place)) {}
  Result<const Value*> member(const char* key);

  const Value* value_;
  std::string place_;
  std::vector<std::string> seen_;
};

}  // namespace vambrace::json
