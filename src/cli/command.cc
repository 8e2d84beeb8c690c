#include "cli/command.h"

#include <algorithm>
#include <exception>

#include "base/json.h"
#include "base/printable.h"
#include "base/spelling.h"
#include "cli/manual.h"
#include "cli/overview.h"

namespace vambrace::cli {
namespace {

// True if the words, up to a trailing command, hold this one.
bool asks_for(std::span<const std::string> words, std::string_view option) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), end, option) != end;
}

// One line for people; for programs that asked for JSON, a document as well, so
// that they always find one. The words may name what others chose.
Exit report(Environment& environment, std::string_view command,
            const Error& error, bool as_json) {
  const Exit exit = exit_for(error.code());
  const std::string message = printable(error.message());
  const std::string hint = printable(error.hint());
  const std::string name =
      command.empty() ? "vambrace" : fmt::format("vambrace {}", command);
  environment.output.err(fmt::format("{}: {}\n", name, message));
  if (!hint.empty()) {
    environment.output.err(fmt::format("hint: {}\n", hint));
  }
  if (as_json) {
    environment.output.out(json::print({{"schema", "vambrace.error/v1"},
                                        {"command", command},
                                        {"error",
                                         {{"code", to_string(error.code())},
                                          {"message", message},
                                          {"hint", hint}}},
                                        {"exit", static_cast<int>(exit)}}));
  }
  return exit;
}

// The answer to words that name no command: the overview or a page where they
// ask for it, otherwise an error.
Result<Exit> without_command(Environment& environment,
                             std::span<const std::string> words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    environment.output.out(overview(environment.color));
    return Exit::Clean;
  }
  if (words[0] == "--version" || words[0] == "-V") {
    environment.output.out("vambrace " VAMBRACE_VERSION "\n");
    return Exit::Clean;
  }
  if (words[0].starts_with('-')) {
    return fail(ErrorCode::InvalidInput, "unknown option {}",
                json::quote_bytes(words[0].substr(0, 200)));
  }
  if (is_group(words[0]) && words.size() > 1 &&
      (words[1] == "--help" || words[1] == "-h")) {
    environment.output.out(group_overview(words[0], environment.color));
    return Exit::Clean;
  }
  return std::unexpected(unknown_command(words));
}

Result<Exit> run_command(Environment& environment, const Command& command,
                         std::span<const std::string> words) {
  if (asks_for(words, "--help") || asks_for(words, "-h")) {
    environment.output.out(manual_page(command, environment.color));
    return Exit::Clean;
  }
  Result<Exit> result = command.run(environment, words);
  if (!result && result.error().hint().empty() &&
      result.error().code() == ErrorCode::InvalidInput) {
    return std::unexpected(
        std::move(result.error())
            .with_hint(fmt::format("vambrace {} --help", command.name)));
  }
  return result;
}

}  // namespace

Found find_command(std::span<const std::string> words) {
  Found best;
  for (const Command& command : commands()) {
    std::string name;
    for (std::size_t n = 1; n <= std::min<std::size_t>(words.size(), 2); ++n) {
      name += (n > 1 ? " " : "") + words[n - 1];
      if (name == command.name && n > best.words) {
        best = {.command = &command, .words = n};
      }
    }
  }
  return best;
}

bool is_group(std::string_view word) {
  const std::string prefix = std::string(word) + " ";
  return std::ranges::any_of(commands(), [&](const Command& command) {
    return command.name.starts_with(prefix);
  });
}

Error unknown_command(std::span<const std::string> words) {
  const bool group = !words.empty() && is_group(words[0]);
  std::string meant = words.empty() ? "" : words[0];
  if (group && words.size() == 1) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("\"{}\" needs a second word", meant))
        .with_hint(fmt::format("vambrace {} --help lists them", meant));
  }
  if (group) {
    meant += " " + words[1];
  }
  // A first word is compared with first words, a pair with pairs.
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    const std::string name(command.name);
    names.push_back(group ? name : name.substr(0, name.find(' ')));
  }
  const auto nearest = nearest_spelling(meant, names);
  return Error(
             ErrorCode::InvalidInput,
             fmt::format("unknown command \"{}\"{}",
                         json::quote_bytes(meant.substr(0, 200)),
                         nearest ? ", did you mean \"" + *nearest + "\"?" : ""))
      .with_hint(nearest ? "vambrace " + *nearest + " --help"
                         : "vambrace --help lists the commands");
}

std::vector<OptionSpec> describe(const Command& command) {
  // Nothing of a command runs before it has declared its words, so it never
  // reaches these.
  class Nothing : public Output {
   public:
    void out(std::string_view /*text*/) override { CHECK(false); }
    void err(std::string_view /*text*/) override { CHECK(false); }
    bool out_is_terminal() const override { return false; }
    bool err_is_terminal() const override { return false; }
  };
  class NoFiles : public Files {
   public:
    Result<std::string> read(const std::string& path,
                             std::uint64_t /*limit*/) const override {
      return fail(ErrorCode::NotFound, "{}: no such file", path);
    }
    Result<> write(const std::string& path,
                   std::string_view /*bytes*/) override {
      return fail(ErrorCode::Unavailable, "{}: not writable", path);
    }
    Result<> write_all(const std::vector<NewFile>& /*files*/) override {
      return fail(ErrorCode::Unavailable, "not writable");
    }
    void remove_staged(const std::string& /*directory*/) override {}
    bool exists(const std::string& /*path*/) const override { return false; }
    bool is_directory(const std::string& /*path*/) const override {
      return false;
    }
    bool is_regular(const std::string& /*path*/) const override {
      return false;
    }
    Result<std::vector<std::string>> list(
        const std::string& directory) const override {
      return fail(ErrorCode::NotFound, "{}: no such folder", directory);
    }
    Result<> remove(const std::string& /*path*/) override { return {}; }
  };
  NoFiles files;
  Nothing output;
  std::vector<OptionSpec> specs;
  Environment environment{.files = files,
                          .output = output,
                          .now = [] { return evidence::Instant{}; },
                          .variables = {},
                          .described = &specs};
  const Result<Exit> stopped = command.run(environment, {});
  CHECK(!stopped);
  return specs;
}

int run(Environment& environment, std::span<const std::string> words) {
  const Found found = find_command(words);
  const std::string_view name =
      found.command == nullptr ? "" : found.command->name;
  const auto rest = words.subspan(found.words);
  const bool as_json = asks_for(rest, "--json");
  try {
    Result<Exit> result = found.command == nullptr
                              ? without_command(environment, words)
                              : run_command(environment, *found.command, rest);
    return static_cast<int>(
        result ? *result : report(environment, name, result.error(), as_json));
  } catch (const std::exception& error) {
    const Error fault = Error(ErrorCode::Internal, error.what())
                            .with_hint("please report this with the command");
    return static_cast<int>(report(environment, name, fault, as_json));
  }
}

}  // namespace vambrace::cli
