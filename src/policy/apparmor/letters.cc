#include "policy/apparmor/letters.h"

#include <algorithm>
#include <array>

#include "policy/apparmor/variables.h"

namespace vambrace::policy::apparmor {
namespace {

// The digits that a letter of a layout stands for: m a month's first, d a day's
// or hour's first, y a year's first, n any. Other bytes are themselves.
struct Digits {
  std::string_view text;
  std::string_view bytes;
};

std::optional<Digits> digits_for(char letter) {
  switch (letter) {
    case 'm':
      return Digits{"[01]", "01"};
    case 'd':
      return Digits{"[0-3]", "0123"};
    case 'y':
      return Digits{"[12]", "12"};
    case 'n':
      return Digits{"[0-9]", "0123456789"};
    default:
      return std::nullopt;
  }
}

Shape digit_classes(std::string_view layout) {
  Shape out;
  for (const char letter : layout) {
    if (const auto some = digits_for(letter)) {
      out += {.text = std::string(some->text),
              .pieces = {{.bytes = one_of(some->bytes)}}};
    } else {
      out += literal({&letter, 1});
    }
  }
  return out;
}

// Does the text start as the layout says?
bool fits(std::string_view layout, std::string_view text) {
  if (text.size() < layout.size()) {
    return false;
  }
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const auto some = digits_for(layout[i]);
    if (some ? !some->bytes.contains(text[i]) : layout[i] != text[i]) {
      return false;
    }
  }
  return true;
}

// A date at the start of the text, in one of the usual layouts; with a time.
// The letters are those of digit_classes.
constexpr std::array<std::string_view, 6> kDates = {
    "ynnn_mn_dn_dn_nn_nn", "ynnn-mn-dnTdn", "ynnn-mn-dn",
    "ynnn_mn_dn",          "ynnn.mn.dn",    "ynnnmndn"};

}  // namespace

bool all_in(std::string_view text, const Bytes& bytes) {
  return !text.empty() && std::ranges::all_of(text, [&](char byte) {
    return bytes.test(static_cast<unsigned char>(byte));
  });
}

bool is_number(std::string_view text) {
  return all_in(text, digits());
}

bool is_alphanumeric(char byte) {
  return all_in({&byte, 1}, alphanumerics());
}

std::string_view leading(std::string_view text, const Bytes& bytes) {
  const auto end = std::ranges::find_if_not(text, [&](char byte) {
    return bytes.test(static_cast<unsigned char>(byte));
  });
  return text.substr(0, end - text.begin());
}

unsigned changes(std::string_view text) {
  const auto sort = [](char byte) {
    return is_number({&byte, 1}) ? 0 : byte >= 'a' ? 1 : 2;
  };
  unsigned out = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    out += sort(text[i - 1]) != sort(text[i]) ? 1 : 0;
  }
  return out;
}

bool looks_hexadecimal(std::string_view text) {
  if (!all_in(text, hex_digits()) || text.size() < 8 || text.size() > 128) {
    return false;
  }
  const bool has_digit = text.find_first_of("0123456789") != text.npos;
  return text.size() >= 16 || (has_digit && !is_number(text));
}

bool looks_random(std::string_view text) {
  return text.size() >= 6 && text.size() <= 16 && changes(text) >= 2;
}

std::optional<Part> leading_date(std::string_view text) {
  if (text.size() < 8 || !is_number(text.substr(0, 4))) {
    return std::nullopt;
  }
  for (const std::string_view layout : kDates) {
    if (fits(layout, text) &&
        leading(text.substr(layout.size()), digits()).empty()) {
      return Part{.shape = digit_classes(layout), .length = layout.size()};
    }
  }
  return std::nullopt;
}

bool leads_with_uuid(std::string_view text) {
  return text.size() >= 36 &&
         (text.size() == 36 || !is_alphanumeric(text[36])) && text[8] == '-' &&
         matches(uuid().pieces, text.substr(0, 36));
}

}  // namespace vambrace::policy::apparmor
