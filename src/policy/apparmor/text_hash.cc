#include "policy/apparmor/text_hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "policy/apparmor/print.h"

namespace vambrace::policy::apparmor {
namespace {

constexpr std::size_t kDigits = 16;

// The name of the text's first profile; empty: it is not as print() writes one.
std::string_view name_in(std::string_view text) {
  constexpr std::string_view kHead = "\nprofile ";
  const std::size_t at = text.find(kHead);
  if (!text.starts_with("abi <") || at == std::string_view::npos) {
    return {};
  }
  text.remove_prefix(at + kHead.size());
  const std::size_t end = text.find_first_of(" \n");
  return text.substr(0, end);
}

bool holds_a_hash(std::string_view name) {
  if (name.size() < kDigits + 2 || name[name.size() - kDigits - 1] != '-') {
    return false;
  }
  return name.substr(name.size() - kDigits)
             .find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Of "web//sh" and ":space://web//sh" that of the profile which holds the
// other.
std::string_view outermost(std::string_view name) {
  if (name.starts_with(':')) {
    const std::size_t end = name.find(':', 1);
    name.remove_prefix(end == std::string_view::npos ? 0 : end + 1);
    if (name.starts_with("//")) {
      name.remove_prefix(2);
    }
  }
  return name.substr(0, name.find("//"));
}

// Whether the text is what print() wrote under the name.
bool is_of(const std::string& rules, std::string_view name) {
  // The hash is of the same profile under the name without it.
  const std::size_t plain = name.size() - kDigits - 1;
  std::string unnamed;
  std::size_t from = 0;
  for (std::size_t at = rules.find(name); at != std::string::npos;
       at = rules.find(name, from)) {
    unnamed += rules.substr(from, at + plain - from);
    from = at + name.size();
  }
  unnamed += rules.substr(from);
  return hash_of_text(unnamed) == name.substr(plain + 1);
}

}  // namespace

std::string hash_of_text(std::string_view text) {
  // FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

std::string lasting_place(std::string_view place) {
  constexpr std::string_view kLayer = "apparmor: ";
  if (!place.starts_with(kLayer)) {
    return std::string(place);
  }
  const std::string_view rest = place.substr(kLayer.size());
  const std::size_t end =
      std::min({rest.find("//"), rest.find(": "), rest.size()});
  std::string_view name = rest.substr(0, end);
  if (holds_a_hash(name)) {
    name.remove_suffix(kDigits + 1);
  }
  return fmt::format("{}{}{}", kLayer, name, rest.substr(end));
}

bool belies_its_name(std::string_view text,
                     std::span<const std::string> names) {
  const std::string rules = without_comments(text);
  const std::string_view first = name_in(rules);
  return std::ranges::any_of(names, [&](const std::string& each) {
    const std::string_view name = outermost(each);
    return holds_a_hash(name) && (name != first || !is_of(rules, name));
  });
}

}  // namespace vambrace::policy::apparmor
