#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "policy/apparmor/pattern.h"
#include "policy/apparmor/quote.h"

// Patterns with paths, and what our matcher says of each: apparmor_patterns.py
// asks a kernel the same. One line each, bytes of paths in hexadecimal:
//
//   variable NAME VALUE...   a variable, its values as words of a profile
//   pattern N WORD           the pattern of profile N as a word
//   pair N PATH 0|1          whether it matches
//   refused WORD             a pattern that is none
//
// The patterns are made up by a seed: the same ones everywhere.
namespace {

using vambrace::policy::apparmor::Pattern;
using vambrace::policy::apparmor::Variables;
using vambrace::policy::apparmor::word_of;

const Variables kVariables = {
    {"ONE", {"a/b"}},
    {"TWO", {"x", "/c/", "b*"}},
    {"DEEP", {"@{TWO}c", "{a,@{ONE}}"}},
    {"COMMA", {"a,b"}},
};

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

  // Adds a piece of a pattern to one text and something that it may match to
  // each of the samples.
  void piece(std::string& text, std::vector<std::string>& samples, int depth) {
    switch (below(depth > 0 ? 16 : 11)) {
      case 0:
        text += '?';
        for (std::string& sample : samples) {
          sample += any_byte();
        }
        return;
      case 1:
      case 2:
        text += below(2) == 0 ? "*" : "**";
        for (std::string& sample : samples) {
          for (std::uint64_t left = below(4); left > 0; --left) {
            sample += any_byte();
          }
        }
        return;
      case 3:
        return one_class(text, samples);
      case 4:
      case 5:
        text += '/';
        for (std::string& sample : samples) {
          sample += '/';
        }
        return;
      case 11:
      case 12:
      case 13:
      case 14:
        return alternatives(text, samples, depth);
      case 15:
        return variable(text, samples);
      default:
        const char c = any_byte();
        text += written(c);
        for (std::string& sample : samples) {
          sample += c;
        }
    }
  }

  // The path with one byte changed, added or gone; or as it is.
  std::string changed(std::string path) {
    const std::size_t at = below(path.size() + 1);
    switch (below(5)) {
      case 0:
        path.insert(at, 1, any_byte());
        break;
      case 1:
        path.insert(at, 1, '/');
        break;
      case 2:
        path.erase(at, 1);
        break;
      case 3:
        if (at < path.size()) {
          path[at] = any_byte();
        }
        break;
      default:
        break;
    }
    return path;
  }

 private:
  char any_byte() {
    static constexpr std::string_view kBytes =
        "aaabbbcccxyz019..-_ /*?[]{},^\\\"@$+|()#\n\t\x01\x7f\xc3\xa4\xff\x80";
    return kBytes[below(kBytes.size())];
  }

  // One of the ways to write a byte that stands for itself.
  std::string written(char c) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    switch (below(letter ? 16 : 5)) {
      case 0:
        return fmt::format("\\{:03o}", byte);
      case 1:
        return fmt::format("\\x{:02x}", byte);
      case 2:
        return fmt::format("\\d{:03}", byte);
      default:
        return letter || c == '/' ? std::string(1, c) : fmt::format("\\{}", c);
    }
  }

  void one_class(std::string& text, std::vector<std::string>& samples) {
    static constexpr std::string_view kMembers = "abcxz019.{},$+(_\xc3\xff";
    const bool negated = below(3) == 0;
    std::string members;
    text += negated ? "[^" : "[";
    for (std::uint64_t left = 1 + below(3); left > 0; --left) {
      const char c = kMembers[below(kMembers.size())];
      members += c;
      text += c;
      if (below(3) == 0) {
        const char high = kMembers[below(kMembers.size())];
        text += fmt::format("-{}", high);
        members += high;
      }
    }
    text += ']';
    for (std::string& sample : samples) {
      sample += negated ? any_byte() : members[below(members.size())];
    }
  }

  void alternatives(std::string& text, std::vector<std::string>& samples,
                    int depth) {
    const std::uint64_t count = 2 + below(2);
    std::vector<std::vector<std::string>> each(
        count, std::vector<std::string>(samples.size()));
    for (std::uint64_t i = 0; i < count; ++i) {
      text += i == 0 ? '{' : ',';
      // Of {,{,},} apparmor_parser finds no end.
      for (std::uint64_t left = below(3) + (i == 0 ? 0 : 1); left > 0; --left) {
        piece(text, each[i], depth - 1);
      }
    }
    text += '}';
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples[i] += each[below(count)][i];
    }
  }

  void variable(std::string& text, std::vector<std::string>& samples) {
    static constexpr std::string_view kValues[][2] = {
        {"ONE", "a/b"}, {"TWO", "x"},     {"TWO", "c"},    {"TWO", "bz"},
        {"DEEP", "xc"}, {"DEEP", "/c/c"}, {"DEEP", "a/b"}, {"COMMA", "a,b"}};
    const auto& value = kValues[below(std::size(kValues))];
    text += fmt::format("@{{{}}}", value[0]);
    for (std::string& sample : samples) {
      sample += value[1];
    }
  }

  std::mt19937_64 engine_;
};

struct Case {
  std::string_view pattern;
  std::vector<std::string_view> paths;
};

// What chance would hardly find.
const Case kOddities[] = {
    {"/a/*", {"/a/", "/a/b", "/a/b/", "/a/b/c", "/a"}},
    {"/a/**", {"/a/", "/a/b", "/a/b/", "/a/b/c", "/a"}},
    {"/a/*/", {"/a/", "/a/b", "/a/b/", "/a//", "/a/b/c/"}},
    {"/a/**/", {"/a/", "/a/b", "/a/b/", "/a//", "/a/b/c/"}},
    {"/a/***", {"/a/", "/a/b", "/a/b/c"}},
    {"/a/{*,x}", {"/a/", "/a/b", "/a/x", "/a/b/c"}},
    {"/a/{,**}", {"/a/", "/a/b", "/a/b/c"}},
    {"/a/*b", {"/a/b", "/a/xb", "/a/x/b"}},
    {"/a{/,x}*", {"/a/", "/ax", "/a/b", "/axb"}},
    {"//a/b", {"//a/b", "/a/b"}},
    {"///a//b/", {"/a/b/", "//a/b/", "///a//b/"}},
    {"/a\\//b", {"/a/b", "/a//b"}},
    {"/[^a]b", {"/b", "//b", "/xb", "/ab"}},
    {"/[^^a]b", {"/^b", "//b", "/xb", "/ab"}},
    {"/[\\^a]b", {"/^b", "/ab", "/xb"}},
    {"/[a^]b", {"/^b", "/ab", "/xb"}},
    {"/[a\\-c]", {"/a", "/b", "/c", "/-"}},
    {"/[-c]", {"/a", "/b", "/c", "/-"}},
    {"/[c-a]", {"/a", "/b", "/c", "/-"}},
    {"/[\\,a]", {"/a", "/,", "/\\"}},
    {"/[\\?\\*a]", {"/a", "/?", "/*", "/\\"}},
    {"/[a*]", {"/a", "/*", "/[[a]", "/]"}},
    {"/[a?]", {"/a", "/?", "/a]", "/[]", "/]"}},
    {"/[\\x80-\\xff]", {"/\x80", "/\xc3", "/\xff", "/a", "/\x7f"}},
    {"/[\xc3\xa4]", {"/\xc3", "/\xa4", "/\xc3\xa4"}},
    {"/\xc3\xa4*", {"/\xc3\xa4", "/\xc3\xa4x", "/\xc3"}},
    {"/a,b", {"/a,b", "/a", "/b"}},
    {"/{a\\,b,c}", {"/a,b", "/c", "/a"}},
    {"/[{,}]", {"/{", "/,", "/}", "/"}},
    {"/\\400", {"/ 0", "/\x20"}},
    {"/\\d256",
     {"/\x19"
      "6",
      "/\x01"}},
    {"/\\8\\z\\x", {"/8zx", "/\\8\\z\\x"}},
    {"/\\100\\{ONE\\}", {"/@{ONE}", "/a/b"}},
    {"/\\@{a,b}", {"/@a", "/@b", "/\\@a"}},
    {"/x@{COMMA}y", {"/xa,by", "/xay"}},
    {"/@{TWO}/@{TWO}/", {"/c/c/", "/x/c/", "/b//x/", "/c//c/"}},
    {"/\\052\\077\\133\\173\\054\\175\\135\\136", {"/*?[{,}]^", "/ab"}},
};

const std::string_view kRefused[] = {
    "/a]",   "/[a",      "/{a,b",  "/a}",  "/{a}",   "/{}",      "/[]",
    "/[a-]", "/[a-c-e]", "/{[,]}", "/[^]", "/[a--]", "/@{NONE}", "/[^^-a]"};

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

int number = 0;

void ask(std::string_view pattern, const std::vector<std::string>& paths) {
  const auto parsed = Pattern::parse(pattern, kVariables);
  if (!parsed) {
    return;
  }
  fmt::print("pattern {} {}\n", number, word_of(pattern));
  for (const std::string& path : paths) {
    fmt::print("pair {} {} {}\n", number, hex(path),
               parsed->matches(path) ? 1 : 0);
  }
  ++number;
}

}  // namespace

int main() {
  for (const auto& [name, values] : kVariables) {
    fmt::print("variable {}", name);
    for (const std::string& value : values) {
      fmt::print(" \"{}\"", value);
    }
    fmt::print("\n");
  }
  for (const Case& one : kOddities) {
    ask(one.pattern, {one.paths.begin(), one.paths.end()});
  }
  Maker maker(20231);
  while (number < 500) {
    // A directory of its own, so that files of different patterns do not meet.
    const std::string own = fmt::format("/p/{}/", number);
    std::string text = own;
    std::vector<std::string> samples(6, own);
    for (std::uint64_t left = 1 + maker.below(6); left > 0; --left) {
      maker.piece(text, samples, 2);
    }
    // Machines of several ** grow with every alternative between them.
    if (text.size() > 72 || text.find("**") != text.rfind("**")) {
      continue;
    }
    for (std::string& sample : samples) {
      sample = own + maker.changed(sample.substr(own.size()));
    }
    ask(text, samples);
  }
  for (const std::string_view pattern : kRefused) {
    if (!Pattern::parse(pattern, kVariables)) {
      fmt::print("refused {}\n", word_of(pattern));
    }
  }
}
