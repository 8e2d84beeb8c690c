#include "cli/commands.h"
#include "cli/options.h"
#include "cli/roff.h"

namespace vambrace::cli {

Result<Exit> man(Environment& environment, Words words) {
  std::vector<std::string> name;
  std::string directory;
  Options options;
  options.words("COMMAND", name, "the command whose page to print");
  options.value("-o,--output", "DIR", directory, "write all pages there");
  TRY(options.parse(environment, words));

  if (!directory.empty()) {
    TRY(environment.files.write(directory + "/vambrace.1", roff_overview()));
    for (const Command& command : commands()) {
      TRY(environment.files.write(
          fmt::format("{}/{}.1", directory, roff_name(command)),
          roff_page(command)));
    }
    return Exit::Clean;
  }
  if (name.empty()) {
    environment.output.out(roff_overview());
    return Exit::Clean;
  }
  const Found found = find_command(name);
  if (found.command == nullptr || found.words != name.size()) {
    return std::unexpected(unknown_command(name));
  }
  environment.output.out(roff_page(*found.command));
  return Exit::Clean;
}

}  // namespace vambrace::cli
