#include "cli/command.h"
#include "cli/commands.h"

namespace vambrace::cli {

std::span<const Command> commands() {
  // In the order of the walk; groups are the headings of the overview.
  static const Command kCommands[] = {
      {"help", "show the manual page of a command", help, "Help"},
      {"completion", "print the completion script of a shell", completion,
       "Help"},
      {"man", "print manual pages for man(1)", man, "Help"},
      {"version", "show version and build", version, "Help"},
  };
  return kCommands;
}

}  // namespace vambrace::cli
