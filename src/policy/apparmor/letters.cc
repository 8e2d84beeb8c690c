#include "policy/apparmor/letters.h"

#include <algorithm>
#include <array>

#include "policy/apparmor/variables.h"

namespace vambrace::policy::apparmor {
namespace {

// A digit each for the letters: m a month's first, d a day's or hour's first, y
// a year's first, n any.
Shape digit_classes(std::string_view layout) {
  Shape out;
  for (const char byte : layout) {
    switch (byte) {
      case 'm':
        out += {.text = "[01]", .pieces = {{.bytes = one_of("01")}}};
        break;
      case 'd':
        out += {.text = "[0-3]", .pieces = {{.bytes = one_of("0123")}}};
        break;
      case 'y':
        out += {.text = "[12]", .pieces = {{.bytes = one_of("12")}}};
        break;
      case 'n':
        out += {.text = "[0-9]", .pieces = {{.bytes = digits()}}};
        break;
      default:
        out += literal({&byte, 1});
    }
  }
  return out;
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
    Shape shape = digit_classes(layout);
    const std::string_view start = text.substr(0, layout.size());
    const std::string_view rest = text.substr(start.size());
    if (matches(shape.pieces, start) && leading(rest, digits()).empty()) {
      return Part{.shape = std::move(shape), .length = layout.size()};
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
