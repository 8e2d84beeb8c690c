#include "cli/overview.h"

#include <algorithm>

#include "base/result.h"
#include "cli/columns.h"
#include "cli/command.h"

namespace vambrace::cli {
namespace {

struct Step {
  std::string_view command;
  std::string_view line;
  std::string_view about;
};

// The way a user walks.
constexpr Step kWalk[] = {
    {"record", "vambrace record -o evidence/ -- ./run-integration-tests",
     "watch what it really does"},
    {"synth", "vambrace synth evidence/*.json -o bundle/",
     "cut a policy to it"},
    {"lint", "vambrace lint bundle/", "what is still risky"},
    {"replay", "vambrace replay bundle/", "would anything be denied?"},
    {"verify", "vambrace verify bundle/ -- ./run-integration-tests",
     "run the tests under it"},
    {"run", "vambrace run bundle/ -- ./server", "run under it"},
    {"attest", "vambrace attest bundle/ --container web",
     "what runs is what was reviewed"},
};

bool has(std::string_view name) {
  return std::ranges::any_of(
      commands(), [&](const Command& command) { return command.name == name; });
}

std::string listing(std::string_view group) {
  Columns columns({{.heading = ""}, {.heading = ""}});
  for (const Command& command : commands()) {
    if (command.group == group) {
      columns.row(
          {fmt::format("  {}", command.name), std::string(command.summary)});
    }
  }
  return columns.print();
}

}  // namespace

std::string overview(bool color) {
  std::string out =
      "Vambrace cuts a container's runtime armor to the workload.\n\n";
  Columns walk({{.heading = ""}, {.heading = ""}});
  for (const Step& step : kWalk) {
    if (has(step.command)) {
      walk.row(
          {fmt::format("  {}", step.line), fmt::format("# {}", step.about)});
    }
  }
  if (!walk.empty()) {
    out += bold("The walk", color) + "\n" + walk.print() + "\n";
  }
  std::vector<std::string_view> groups;
  for (const Command& command : commands()) {
    if (std::ranges::find(groups, command.group) == groups.end()) {
      groups.push_back(command.group);
    }
  }
  for (const std::string_view group : groups) {
    out += bold(group, color) + "\n" + listing(group) + "\n";
  }
  return out +
         "vambrace COMMAND --help shows examples and options.\n"
         "Exit codes: 0 clean, 1 findings or denials, 2 wrong use or input,\n"
         "3 refused, 4 this machine lacks something, 70 our own fault.\n";
}

std::string group_overview(std::string_view word, bool color) {
  Columns columns({{.heading = ""}, {.heading = ""}});
  const std::string prefix = std::string(word) + " ";
  for (const Command& command : commands()) {
    if (command.name.starts_with(prefix)) {
      columns.row({fmt::format("  vambrace {}", command.name),
                   std::string(command.summary)});
    }
  }
  return bold(fmt::format("vambrace {}", word), color) + "\n" +
         columns.print() + "\nvambrace COMMAND --help shows examples.\n";
}

}  // namespace vambrace::cli
