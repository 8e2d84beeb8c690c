#include "cli/commands.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/overview.h"

namespace vambrace::cli {

Result<Exit> help(Environment& environment, Words words) {
  std::vector<std::string> name;
  Options options;
  options.words("COMMAND", name, "the command to explain");
  TRY(options.parse(environment, words));

  if (name.empty()) {
    environment.output.out(overview(environment.color));
    return Exit::Clean;
  }
  const Found found = find_command(name);
  if (found.command != nullptr && found.words == name.size()) {
    environment.output.out(manual_page(*found.command, environment.color));
    return Exit::Clean;
  }
  if (name.size() == 1 && is_group(name[0])) {
    environment.output.out(group_overview(name[0], environment.color));
    return Exit::Clean;
  }
  return std::unexpected(unknown_command(name));
}

}  // namespace vambrace::cli
