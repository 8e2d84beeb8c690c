#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "cli/exit.h"
#include "evidence/evidence.h"
#include "host/folder_lock.h"

namespace vambrace::cli {

// Where a command's words go. Tests collect them in strings.
class Output {
 public:
  virtual ~Output() = default;
  virtual void out(std::string_view text) = 0;  // the answer
  virtual void err(std::string_view text) = 0;  // everything else
  // True when a person watches: colors and live progress are welcome.
  virtual bool out_is_terminal() const = 0;
  virtual bool err_is_terminal() const = 0;
};

// One option, word or trailing command that a command takes, as the manual and
// the completions show it. cli/options.h makes these.
struct OptionSpec {
  enum class Kind : std::uint8_t { Option, Word, Command };
  std::string names;  // "-o, --output", "EVIDENCE", "-- COMMAND..."
  std::string value;  // placeholder of an option's value; empty for a flag
  std::string about;
  Kind kind = Kind::Option;
  bool repeated = false;
  bool required = false;
  std::vector<std::string> choices;  // when the value is one of a few words
};

// The outside world as commands see it. Commands that need the kernel (record,
// verify, run, attest) reach it through the edges they call.
struct Environment {
  Files& files;
  Output& output;
  std::function<evidence::Instant()> now;
  // Environment variables that commands may read (NO_COLOR, PATH, HOME, ...).
  std::map<std::string, std::string> variables;
  bool color = false;  // a terminal, and NO_COLOR is not set
  // Set to learn what a command takes instead of running it (Options::parse).
  std::vector<OptionSpec>* described = nullptr;
  // Holds a folder while what lies in it is changed, and makes it if it is not
  // there (host/folder_lock.h); none: nobody else is there.
  std::function<Result<HeldFolder>(const std::string& folder)> hold;
};

// One row of the command table.
struct Command {
  std::string_view name;  // "record", "evidence merge"
  std::string_view summary;
  // The words after the name. An error is printed by the caller, with its hint,
  // and becomes the exit code of its kind. Declares its words with
  // cli/options.h before it does anything.
  Result<Exit> (*run)(Environment&, std::span<const std::string> words);
  std::string_view group;  // heading in the overview: "Record", "Policy", ...
};

// In the order help prints them.
std::span<const Command> commands();

// What a command takes, in the order it declares it.
std::vector<OptionSpec> describe(const Command& command);

// The command whose name these words begin with, and how many words that took;
// nullptr if there is none.
struct Found {
  const Command* command = nullptr;
  std::size_t words = 0;
};
Found find_command(std::span<const std::string> words);

// True for the first word of commands of two words ("evidence").
bool is_group(std::string_view word);

// "unknown command "recrod", did you mean "record"?"
Error unknown_command(std::span<const std::string> words);

// The whole program: finds the command, runs it, prints errors.
int run(Environment& environment, std::span<const std::string> words);

}  // namespace vambrace::cli
