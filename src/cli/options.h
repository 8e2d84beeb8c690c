#pragma once

#include <charconv>
#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace vambrace::cli {

// The words that one command takes. A command declares them once, at its very
// beginning, and then calls parse(); the manual's OPTIONS section and the shell
// completions are made from the same declaration:
//
//   Result<Exit> merge(Environment& environment, Words words) {
//     std::vector<std::string> files;
//     std::string output;
//     bool json = false;
//     Options options;
//     options.words("EVIDENCE", files, "evidence files", 1);
//     options.value("-o,--output", "FILE", output, "where to write");
//     options.json(json);
//     TRY(options.parse(environment, words));
//     ...
//
// Variables keep their value when the option is not given: initialize them with
// the default. They must outlive parse(), which fills them.
class Options {
 public:
  // --name without a value. `names`: "-l,--light" or "--light".
  void flag(const std::string& names, bool& to, std::string about);
  // --json, with the same words everywhere.
  void json(bool& to);

  // --name VALUE; giving it twice is an error.
  void value(const std::string& names, std::string placeholder, std::string& to,
             std::string about);
  void value(const std::string& names, std::string placeholder,
             std::optional<std::string>& to, std::string about);
  // --name VALUE, any number of times.
  void values(const std::string& names, std::string placeholder,
              std::vector<std::string>& to, std::string about);
  // One of a few words; another one is an error that names the nearest.
  void choice(const std::string& names, std::vector<std::string> allowed,
              std::string& to, std::string about);
  // A whole number that fits the variable.
  template <std::integral T>
  void number(const std::string& names, std::string placeholder, T& to,
              std::string about);
  template <std::integral T>
  void number(const std::string& names, std::string placeholder,
              std::optional<T>& to, std::string about);

  // Words without dashes, in the order of declaration; only the last may be a
  // list. `name` is shown in capitals in the manual.
  void word(std::string name, std::string& to, std::string about,
            bool required = true);
  void words(std::string name, std::vector<std::string>& to, std::string about,
             std::size_t at_least = 0);
  // Everything after "--".
  void command(std::vector<std::string>& to, std::string about,
               bool required = true);

  // InvalidInput, with the nearest name or the next step as hint, unless the
  // words are exactly as declared.
  //
  // With environment.described set, stores the declaration there and returns
  // an error instead: nothing of the command may run before parse().
  Result<> parse(Environment& environment, std::span<const std::string> words);

 private:
  using Setter = std::function<Result<>(const std::string&)>;
  struct Declared {
    OptionSpec spec;
    std::string cli_names;
    Setter set;
    bool* flag = nullptr;
    std::size_t at_least = 0;
    std::vector<std::string> given;
  };

  void declare(const std::string& names, std::string placeholder,
               std::string about, Setter set, bool repeated);
  template <std::integral T>
  static Result<T> whole_number(const std::string& names,
                                const std::string& text);
  Result<> read_options(std::span<const std::string> words,
                        std::vector<std::string>& rest);
  Result<> unknown_option(std::string word) const;
  Result<> fill_words(const std::vector<std::string>& rest);
  Result<> fill();

  std::vector<Declared> options_;
  std::vector<Declared> words_;
  std::optional<Declared> command_;
  std::vector<std::string>* command_to_ = nullptr;
  std::string command_name_;
};

template <std::integral T>
Result<T> Options::whole_number(const std::string& names,
                                const std::string& text) {
  T number{};
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) {
    return fail(ErrorCode::InvalidInput, "{}: {} is out of range", names, text);
  }
  if (error != std::errc() || at != end) {
    return fail(ErrorCode::InvalidInput, "{}: \"{}\" is not a whole number",
                names, text);
  }
  return number;
}

template <std::integral T>
void Options::number(const std::string& names, std::string placeholder, T& to,
                     std::string about) {
  const auto set = [names, &to](const std::string& text) -> Result<> {
    TRY_ASSIGN(to, whole_number<T>(names, text));
    return {};
  };
  declare(names, std::move(placeholder), std::move(about), set, false);
}

template <std::integral T>
void Options::number(const std::string& names, std::string placeholder,
                     std::optional<T>& to, std::string about) {
  const auto set = [names, &to](const std::string& text) -> Result<> {
    TRY_ASSIGN(to, whole_number<T>(names, text));
    return {};
  };
  declare(names, std::move(placeholder), std::move(about), set, false);
}

}  // namespace vambrace::cli
