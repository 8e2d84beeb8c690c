#include "cli/command.h"

namespace vambrace::cli {
namespace {

// Finds the row whose name is the longest match of the first words.
const Command* find(std::span<const std::string> words, std::size_t& used) {
  const Command* best = nullptr;
  used = 0;
  for (const Command& command : commands()) {
    std::string name;
    for (std::size_t n = 1; n <= words.size() && n <= 2; ++n) {
      name += (n > 1 ? " " : "") + words[n - 1];
      if (name == command.name && n > used) {
        best = &command;
        used = n;
      }
    }
  }
  return best;
}

}  // namespace

int run(Environment& environment, std::span<const std::string> words) {
  std::size_t used = 0;
  const Command* command = find(words, used);
  if (command == nullptr) {
    environment.output.err("vambrace: unknown command\n");
    return static_cast<int>(Exit::Usage);
  }
  Result<Exit> result = command->run(environment, words.subspan(used));
  if (!result) {
    const Error& error = result.error();
    environment.output.err(
        fmt::format("vambrace {}: {}\n", command->name, error.message()));
    if (!error.hint().empty()) {
      environment.output.err(fmt::format("hint: {}\n", error.hint()));
    }
    return static_cast<int>(exit_for(error.code()));
  }
  return static_cast<int>(*result);
}

}  // namespace vambrace::cli
