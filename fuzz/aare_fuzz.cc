#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/apparmor/lint.h"
#include "policy/apparmor/pattern.h"
#include "policy/apparmor/print.h"
#include "policy/apparmor/quote.h"

namespace {

using vambrace::policy::apparmor::Pattern;
using vambrace::policy::apparmor::pattern_of;
using vambrace::policy::apparmor::print;
using vambrace::policy::apparmor::Profile;
using vambrace::policy::apparmor::word_of;

// The pattern that a word of a profile stands for.
std::string_view inside(std::string_view word) {
  return word.starts_with('"') ? word.substr(1, word.size() - 2) : word;
}

// Any text as a pattern: if it is one, the word for it is the same one.
void read(std::string_view text, std::string_view path) {
  const std::string word = word_of(text);
  CHECK(inside(word).find('"') == std::string_view::npos);
  CHECK(word.find("\\\\") == std::string::npos);
  CHECK(std::ranges::all_of(word, [](char c) { return c >= ' ' && c <= '~'; }));
  if (const auto pattern = Pattern::parse(text, {{"A", {"a", "/b/"}}})) {
    const auto again = Pattern::parse(inside(word), {{"A", {"a", "/b/"}}});
    CHECK(again && again->matches(path) == pattern->matches(path));
  }
}

// Any bytes as a path: the profile has one rule for it, on one line.
void print_one(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) {
    return;
  }
  Profile profile{.name = "fuzz"};
  profile.rules.files = {{.pattern = "/x" + pattern_of(path),
                          .access = {.read = true},
                          .why = {.examples = {std::string(path)}}}};
  const auto text = print(profile, {.comments = true});
  CHECK(text && std::ranges::count(*text, '\n') == 5);
  CHECK(text->ends_with(" r,\n}\n"));
  (void)vambrace::policy::apparmor::lint(profile);
  if (path.find("//") == std::string_view::npos) {
    const auto pattern = Pattern::parse(profile.rules.files[0].pattern);
    CHECK(pattern && pattern->matches("/x" + std::string(path)));
  }
}

}  // namespace

// A line with a pattern, then a path.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data),
                              std::min<std::size_t>(size, 2000));
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view path = text.substr(std::min(end + 1, text.size()));
  read(text.substr(0, end), path);
  print_one(path);
  return 0;
}
