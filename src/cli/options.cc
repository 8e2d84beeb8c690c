#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/json.h"
#include "base/spelling.h"

namespace vambrace::cli {
namespace {

// "-o,--output" as people read it: "-o, --output".
std::string spaced(const std::string& names) {
  const std::size_t comma = names.find(',');
  return comma == std::string::npos
             ? names
             : names.substr(0, comma) + ", " + names.substr(comma + 1);
}

std::string long_name(const std::string& names) {
  const std::size_t at = names.find("--");
  return at == std::string::npos ? names : names.substr(at);
}

// Words from outside, safe to print.
std::string shown(const std::string& word) {
  return json::quote_bytes(word.substr(0, 200));
}

// A known option whose value is missing: the last word, or the one before
// another option.
Error value_missing(const CLI::ParseError& error) {
  return Error(ErrorCode::InvalidInput, json::quote_bytes(error.what()));
}

}  // namespace

void Options::declare(const std::string& names, std::string placeholder,
                      std::string about, Setter set, bool repeated) {
  options_.push_back({.spec = {.names = spaced(names),
                               .value = std::move(placeholder),
                               .about = std::move(about),
                               .repeated = repeated},
                      .cli_names = names,
                      .set = std::move(set)});
}

void Options::flag(const std::string& names, bool& to, std::string about) {
  declare(names, "", std::move(about), {}, true);
  options_.back().flag = &to;
  options_.back().spec.repeated = false;
}

void Options::json(bool& to) {
  flag("--json", to, "answer in JSON, for programs");
}

void Options::value(const std::string& names, std::string placeholder,
                    std::string& to, std::string about) {
  const auto set = [&to](const std::string& text) -> Result<> {
    to = text;
    return {};
  };
  declare(names, std::move(placeholder), std::move(about), set, false);
}

void Options::value(const std::string& names, std::string placeholder,
                    std::optional<std::string>& to, std::string about) {
  const auto set = [&to](const std::string& text) -> Result<> {
    to = text;
    return {};
  };
  declare(names, std::move(placeholder), std::move(about), set, false);
}

void Options::values(const std::string& names, std::string placeholder,
                     std::vector<std::string>& to, std::string about) {
  const auto set = [&to](const std::string& text) -> Result<> {
    to.push_back(text);
    return {};
  };
  declare(names, std::move(placeholder), std::move(about), set, true);
}

void Options::choice(const std::string& names, std::vector<std::string> allowed,
                     std::string& to, std::string about) {
  const std::string placeholder = fmt::format("{}", fmt::join(allowed, "|"));
  const auto set = [&to, names, allowed,
                    placeholder](const std::string& text) -> Result<> {
    if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) {
      to = text;
      return {};
    }
    const auto nearest = nearest_spelling(text, allowed);
    return fail(ErrorCode::InvalidInput, "{}: unknown \"{}\", {}", names,
                shown(text),
                nearest ? "did you mean \"" + *nearest + "\"?"
                        : "not one of " + placeholder);
  };
  declare(names, placeholder, std::move(about), set, false);
  options_.back().spec.choices = std::move(allowed);
}

void Options::word(std::string name, std::string& to, std::string about,
                   bool required) {
  const auto set = [&to](const std::string& text) -> Result<> {
    to = text;
    return {};
  };
  words_.push_back({.spec = {.names = std::move(name),
                             .about = std::move(about),
                             .kind = OptionSpec::Kind::Word,
                             .required = required},
                    .set = set,
                    .at_least = required ? 1U : 0U});
}

void Options::words(std::string name, std::vector<std::string>& to,
                    std::string about, std::size_t at_least) {
  const auto set = [&to](const std::string& text) -> Result<> {
    to.push_back(text);
    return {};
  };
  words_.push_back({.spec = {.names = std::move(name),
                             .about = std::move(about),
                             .kind = OptionSpec::Kind::Word,
                             .repeated = true,
                             .required = at_least > 0},
                    .set = set,
                    .at_least = at_least});
}

void Options::command(std::vector<std::string>& to, std::string about,
                      bool required) {
  command_ = Declared{.spec = {.names = "-- COMMAND...",
                               .about = std::move(about),
                               .kind = OptionSpec::Kind::Command,
                               .repeated = true,
                               .required = required}};
  command_to_ = &to;
}

// Options take their values; everything else goes to `rest`, in order.
Result<> Options::read_options(std::span<const std::string> words,
                               std::vector<std::string>& rest) {
  CLI::App app;
  app.set_help_flag("");
  app.allow_extras();
  for (Declared& option : options_) {
    if (option.flag != nullptr) {
      app.add_flag_callback(option.cli_names,
                            [&option] { *option.flag = true; });
    } else {
      app.add_option(option.cli_names, option.given)->allow_extra_args(false);
    }
  }
  // CLI11 reads a vector from its end.
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app.parse(std::move(reversed));
    rest = app.remaining();
  } catch (const CLI::ParseError& error) {
    return std::unexpected(value_missing(error));
  } catch (const CLI::Error& error) {
    return fail(ErrorCode::Internal, "declaration of options: {}",
                error.what());
  }
  return {};
}

Result<> Options::unknown_option(std::string word) const {
  word = word.substr(0, word.find('='));
  std::vector<std::string> names = {"--help"};
  for (const Declared& option : options_) {
    names.push_back(long_name(option.cli_names));
  }
  const auto nearest = nearest_spelling(word, names);
  return fail(ErrorCode::InvalidInput, "unknown option {}{}", shown(word),
              nearest ? ", did you mean " + *nearest + "?" : "");
}

Result<> Options::fill_words(const std::vector<std::string>& rest) {
  std::size_t at = 0;
  for (Declared& word : words_) {
    std::size_t taken = 0;
    while (at < rest.size() && (word.spec.repeated || taken == 0)) {
      TRY(word.set(rest[at++]));
      ++taken;
    }
    if (taken < word.at_least) {
      return fail(ErrorCode::InvalidInput, "{} is missing: {}", word.spec.names,
                  word.spec.about);
    }
  }
  if (at == rest.size()) {
    return {};
  }
  Error error(ErrorCode::InvalidInput,
              fmt::format("unexpected \"{}\"", shown(rest[at])));
  if (command_) {
    return std::unexpected(std::move(error).with_hint(
        "a command to run comes after \"--\": -- " + shown(rest[at])));
  }
  return std::unexpected(std::move(error));
}

Result<> Options::fill() {
  for (Declared& option : options_) {
    if (option.given.size() > 1 && !option.spec.repeated) {
      return fail(ErrorCode::InvalidInput, "{} is given twice",
                  long_name(option.cli_names));
    }
    for (const std::string& text : option.given) {
      TRY(option.set(text));
    }
  }
  return {};
}

Result<> Options::parse(Environment& environment,
                        std::span<const std::string> words) {
  if (environment.described != nullptr) {
    for (const auto* list : {&options_, &words_}) {
      for (const Declared& declared : *list) {
        environment.described->push_back(declared.spec);
      }
    }
    if (command_) {
      environment.described->push_back(command_->spec);
    }
    return fail(ErrorCode::Internal, "only described");
  }
  const auto dashes = std::find(words.begin(), words.end(), "--");
  const auto own = words.first(
      static_cast<std::size_t>(std::distance(words.begin(), dashes)));
  std::vector<std::string> rest;
  TRY(read_options(own, rest));
  for (const std::string& word : rest) {
    if (word.size() > 1 && word.starts_with('-')) {
      return unknown_option(word);
    }
  }
  TRY(fill());
  TRY(fill_words(rest));
  if (dashes != words.end() && !command_) {
    return fail(ErrorCode::InvalidInput, "unexpected \"--\"");
  }
  if (!command_) {
    return {};
  }
  if (dashes != words.end()) {
    command_to_->assign(dashes + 1, words.end());
  }
  if (command_->spec.required && command_to_->empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              "no command is given: " + command_->spec.about)
            .with_hint("it comes last, after \"--\": -- COMMAND..."));
  }
  return {};
}

}  // namespace vambrace::cli
