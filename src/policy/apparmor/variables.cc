#include "policy/apparmor/variables.h"

#include <charconv>

#include "policy/apparmor/letters.h"

namespace vambrace::policy::apparmor {
namespace {

constexpr unsigned kMaxPidDigits = 7;  // of PID_MAX_LIMIT, 4194304
constexpr std::string_view kDigit = "[0-9]";
constexpr std::string_view kHexDigit = "[0-9a-fA-F]";
constexpr std::string_view kRandomByte = "[0-9A-Za-z_]";
constexpr std::string_view kLowerByte = "[0-9a-z_]";

std::string times(std::string_view text, std::size_t count) {
  std::string out;
  for (; count > 0; --count) {
    out += text;
  }
  return out;
}

// As many of the text as `most`, at least one.
std::string up_to(std::string_view first, std::string_view next,
                  unsigned most) {
  return std::string(first) + times("{," + std::string(next) + "}", most - 1);
}

Piece exactly(const Bytes& bytes, unsigned count) {
  const auto times = static_cast<std::uint8_t>(count);
  return {.bytes = bytes, .min = times, .max = times};
}

Shape process_number(std::string_view text) {
  return {.text = std::string(text),
          .pieces = {{.bytes = one_of("123456789")},
                     {.bytes = digits(), .min = 0, .max = kMaxPidDigits - 1}}};
}

// The number behind a word: 32 of hex32 with the word hex; 0 if it is another.
unsigned length_in(std::string_view name, std::string_view word) {
  unsigned length = 0;
  if (name.starts_with(word)) {
    std::from_chars(name.data() + word.size(), name.data() + name.size(),
                    length);
  }
  return length;
}

}  // namespace

Shape number() {
  return {.text = "@{number}",
          .pieces = {{.bytes = digits(), .min = 1, .max = kMaxDigits}}};
}

Shape pid() {
  return process_number("@{pid}");
}
Shape tid() {
  return process_number("@{tid}");
}

Shape uuid() {
  const Piece dash{.bytes = one_of("-")};
  const Piece four = exactly(hex_digits(), 4);
  return {.text = "@{uuid}",
          .pieces = {exactly(hex_digits(), 8), dash, four, dash, four, dash,
                     four, dash, exactly(hex_digits(), 12)}};
}

Shape hex(unsigned length) {
  return {.text = "@{hex" + std::to_string(length) + "}",
          .pieces = {exactly(hex_digits(), length)}};
}

Shape hex_number() {
  return {.text = "@{hexnumber}",
          .pieces = {{.bytes = hex_digits(), .min = 1, .max = kMaxHexDigits}}};
}

Bytes lower_letters() {
  return one_of("0123456789abcdefghijklmnopqrstuvwxyz_");
}

Shape lower(unsigned length) {
  return {.text = "@{lower" + std::to_string(length) + "}",
          .pieces = {exactly(lower_letters(), length)}};
}

Shape random(unsigned length) {
  return {.text = "@{random" + std::to_string(length) + "}",
          .pieces = {exactly(alphanumerics() | one_of("_"), length)}};
}

std::set<std::string> variables_in(std::string_view pattern) {
  std::set<std::string> out;
  std::size_t at = pattern.find("@{");
  while (at != std::string_view::npos) {
    const std::size_t end = pattern.find('}', at);
    out.emplace(pattern.substr(at + 2, end - at - 2));
    at = pattern.find("@{", at + 2);
  }
  return out;
}

std::string variable_value(std::string_view name) {
  if (name == "number") {
    return up_to(kDigit, kDigit, kMaxDigits);
  }
  if (name == "hexnumber") {
    return up_to(kHexDigit, kHexDigit, kMaxHexDigits);
  }
  if (name == "pid" || name == "tid") {
    return up_to("[1-9]", kDigit, kMaxPidDigits);
  }
  if (name == "uuid") {
    const std::string four = "-" + times(kHexDigit, 4);
    return times(kHexDigit, 8) + four + four + four + "-" +
           times(kHexDigit, 12);
  }
  if (const unsigned length = length_in(name, "hex"); length > 0) {
    return times(kHexDigit, length);
  }
  if (const unsigned length = length_in(name, "lower"); length > 0) {
    return times(kLowerByte, length);
  }
  return times(kRandomByte, length_in(name, "random"));
}

std::string without_variables(std::string_view pattern) {
  std::string out;
  while (true) {
    const std::size_t at = pattern.find("@{");
    out += pattern.substr(0, at);
    if (at == std::string_view::npos) {
      return out;
    }
    const std::size_t end = pattern.find('}', at);
    out += variable_value(pattern.substr(at + 2, end - at - 2));
    pattern.remove_prefix(end + 1);
  }
}

}  // namespace vambrace::policy::apparmor
