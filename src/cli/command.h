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

// The outside world as commands see it. Commands that need the kernel (record,
// verify, run, attest) reach it through the edges they call.
struct Environment {
  Files& files;
  Output& output;
  std::function<evidence::Instant()> now;
  // Environment variables that commands may read (NO_COLOR, PATH, HOME, ...).
  std::map<std::string, std::string> variables;
  bool color = false;  // a terminal, and NO_COLOR is not set
};

// One row of the command table.
struct Command {
  std::string_view name;  // "record", "evidence merge"
  std::string_view summary;
  // The words after the name. An error is printed by the caller, with its hint,
  // and becomes the exit code of its kind.
  Result<Exit> (*run)(Environment&, std::span<const std::string> words);
  // Options as completion and the manual show them; filled by the command.
  std::string_view group;  // heading in the overview: "Record", "Policy", ...
};

// In the order help prints them.
std::span<const Command> commands();

// The whole program: finds the command, runs it, prints errors.
int run(Environment& environment, std::span<const std::string> words);

}  // namespace vambrace::cli
