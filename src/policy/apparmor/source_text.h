#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vambrace::policy::apparmor {

// One of AppArmor's own files, read from its start to its end. Knows words,
// comments and includes as apparmor_parser does; what it does not know for sure
// is an error with the line. The path and the text must outlive it.
class SourceText {
 public:
  SourceText(std::string_view path, std::string_view text)
      : path_(path), text_(text) {}

  // "abstractions/x: line 3: WHAT", of the line that was reached.
  Error misread(std::string_view what) const;
  std::string place() const;  // "abstractions/x: line 3"

  bool at_end() const { return at_ == text_.size(); }
  bool next_is(std::string_view text) const {
    return text_.substr(at_).starts_with(text);
  }
  bool take(std::string_view text);
  // Spaces, lines and comments. "#include" is no comment, wherever it stands.
  void skip_space();
  void skip_blanks();  // on this line

  struct Included {
    std::string path;
    bool if_exists = false;
  };
  // nullopt: no include stands here.
  Result<std::optional<Included>> include();

  std::string_view keyword();  // small letters and underscores, or none
  std::string_view letters();  // letters, or none
  // The name of a variable: a letter, then letters, digits and underscores.
  std::string_view name();
  // A pattern or a value, bare or in quotes.
  Result<std::string> word();
  // The comma that ends a rule.
  Result<> end_of_rule();
  // The rest of a rule of any kind, with its end.
  Result<> skip_rule();

 private:
  char next() const { return at_end() ? '\0' : text_[at_]; }
  bool space_at(std::size_t at) const;
  Result<std::string> quoted_word();

  std::string_view path_;
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace vambrace::policy::apparmor
