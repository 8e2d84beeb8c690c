#include "cli/shell_script.h"

#include <algorithm>

#include "cli/command.h"

namespace vambrace::cli {
namespace {

std::string first_word(const Command& command) {
  return std::string(command.name.substr(0, command.name.find(' ')));
}

std::string second_word(const Command& command) {
  const std::size_t space = command.name.find(' ');
  return space == std::string_view::npos
             ? ""
             : std::string(command.name.substr(space + 1));
}

// The words that may come first, in the order of the table, once each.
std::vector<std::string> first_words() {
  std::vector<std::string> words;
  for (const Command& command : commands()) {
    const std::string word = first_word(command);
    if (std::ranges::find(words, word) == words.end()) {
      words.push_back(word);
    }
  }
  return words;
}

std::vector<std::string> second_words(const std::string& first) {
  std::vector<std::string> words;
  for (const Command& command : commands()) {
    if (first_word(command) == first && is_group(first)) {
      words.push_back(second_word(command));
    }
  }
  return words;
}

// "-o, --output" -> {"-o", "--output"}
std::vector<std::string> spellings(const OptionSpec& spec) {
  const std::size_t comma = spec.names.find(", ");
  if (comma == std::string::npos) {
    return {spec.names};
  }
  return {spec.names.substr(0, comma), spec.names.substr(comma + 2)};
}

std::vector<OptionSpec> options_of(const Command& command) {
  std::vector<OptionSpec> options;
  for (OptionSpec& spec : describe(command)) {
    if (spec.kind == OptionSpec::Kind::Option) {
      options.push_back(std::move(spec));
    }
  }
  return options;
}

// Text inside single quotes of any of the three shells.
std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return "'" + out + "'";
}

// What a summary is called in the list of first words.
std::string summary_of(const std::string& first) {
  const Found found = find_command(std::vector<std::string>{first});
  return found.command != nullptr
             ? std::string(found.command->summary)
             : fmt::format("{}", fmt::join(second_words(first), ", "));
}

}  // namespace

std::string bash_script() {
  std::string values;
  std::string options;
  std::string groups;
  for (const std::string& first : first_words()) {
    if (is_group(first)) {
      groups += fmt::format("    {}) words=\"{}\" ;;\n", first,
                            fmt::join(second_words(first), " "));
    }
  }
  for (const Command& command : commands()) {
    const std::string second = second_word(command);
    const std::string key = first_word(command) + " " + second;
    std::string words;
    for (const OptionSpec& spec : options_of(command)) {
      words += fmt::format("{} ", fmt::join(spellings(spec), " "));
      if (!spec.choices.empty()) {
        values +=
            fmt::format("    \"{}\"*\" {}\") words=\"{}\" ;;\n", key,
                        spellings(spec).back(), fmt::join(spec.choices, " "));
      }
    }
    options += fmt::format("    \"{}\"*) words=\"{}--help\" ;;\n", key, words);
  }
  return fmt::format(
      R"(# bash completion for vambrace, made by `vambrace completion bash`.
_vambrace() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  local key="${{COMP_WORDS[1]}} ${{COMP_WORDS[2]}}" words=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "{} --help --version" -- "$current"))
    return
  fi
  ((COMP_CWORD == 2)) && case ${{COMP_WORDS[1]}} in
{}  esac
  [[ -z $words ]] && case "$key $previous" in
{}  esac
  [[ -z $words && $current == -* ]] && case "$key" in
{}  esac
  if [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    compopt -o default 2>/dev/null
  fi
}}
complete -F _vambrace vambrace
)",
      fmt::join(first_words(), " "), groups, values, options);
}

std::string zsh_script() {
  std::string names;
  std::string groups;
  std::string options;
  for (const std::string& first : first_words()) {
    names += fmt::format("      {}\n", quoted(first + ":" + summary_of(first)));
    if (is_group(first)) {
      groups += fmt::format("      {}) list=({}) ;;\n", first,
                            fmt::join(second_words(first), " "));
    }
  }
  for (const Command& command : commands()) {
    std::string list;
    for (const OptionSpec& spec : options_of(command)) {
      for (const std::string& name : spellings(spec)) {
        list += fmt::format("{} ", quoted(name + ":" + spec.about));
      }
    }
    options += fmt::format(
        "      \"{} {}\"*) list=({}'--help:show the manual page') ;;\n",
        first_word(command), second_word(command), list);
  }
  return fmt::format(R"(#compdef vambrace
# zsh completion for vambrace, made by `vambrace completion zsh`.
_vambrace() {{
  local -a list
  if (( CURRENT == 2 )); then
    list=(
{}    )
    _describe command list
    return
  fi
  if (( CURRENT == 3 )); then
    case ${{words[2]}} in
{}    esac
  fi
  if [[ ${{words[CURRENT]}} == -* ]]; then
    case "${{words[2]}} ${{words[3]}}" in
{}    esac
  fi
  if (( ${{#list}} )); then
    _describe option list
  else
    _files
  fi
}}
if [[ $funcstack[1] == _vambrace ]]; then
  _vambrace "$@"
else
  compdef _vambrace vambrace
fi
)",
                     names, groups, options);
}

std::string fish_script() {
  std::string out =
      "# fish completion for vambrace, made by `vambrace completion fish`.\n";
  for (const std::string& first : first_words()) {
    out += fmt::format(
        "complete -c vambrace -n __fish_use_subcommand -f -a {} -d {}\n", first,
        quoted(summary_of(first)));
    if (is_group(first)) {
      out += fmt::format(
          "complete -c vambrace -n '__fish_seen_subcommand_from {0}; and not "
          "__fish_seen_subcommand_from {1}' -f -a '{1}'\n",
          first, fmt::join(second_words(first), " "));
    }
  }
  for (const Command& command : commands()) {
    std::string when = "__fish_seen_subcommand_from " + first_word(command);
    if (!second_word(command).empty()) {
      when += "; and __fish_seen_subcommand_from " + second_word(command);
    }
    for (const OptionSpec& spec : options_of(command)) {
      std::string names;
      for (const std::string& name : spellings(spec)) {
        names += name.starts_with("--") ? " -l " + name.substr(2)
                                        : " -s " + name.substr(1);
      }
      out +=
          fmt::format("complete -c vambrace -n '{}'{}{} -d {}\n", when, names,
                      spec.value.empty() ? "" : " -r", quoted(spec.about));
      if (!spec.choices.empty()) {
        out.pop_back();
        out += fmt::format(" -f -a '{}'\n", fmt::join(spec.choices, " "));
      }
    }
  }
  return out;
}

}  // namespace vambrace::cli
