#include "elf/launch.h"

#include "elf/loader_words.h"

namespace vambrace::elf {
namespace {

// BINPRM_BUF_SIZE: what the kernel looks at; and its limit of interpreters.
constexpr std::size_t kScriptLine = 256;
constexpr int kMaxScripts = 4;

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    return "";
  }
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

// The program that env(1) is told to start; empty if there is none.
std::string started_by_env(std::string_view argument) {
  for (const std::string_view word : split(argument, " \t")) {
    // Options, of which -S needs no value apart, and variables.
    if (!word.starts_with('-') && !word.contains('=')) {
      return std::string(word);
    }
  }
  return "";
}

}  // namespace

Result<std::string> find_program(const Root& root, const std::string& word,
                                 const Surroundings& around) {
  if (word.contains('/')) {
    std::string path =
        word.starts_with('/') ? word : around.folder + "/" + word;
    if (!root.is_file(path)) {
      return fail(ErrorCode::NotFound, "{}: no such program", word);
    }
    return path;
  }
  for (const std::string_view folder : split(around.search_path, ":")) {
    std::string path =
        folder.starts_with('/')
            ? fmt::format("{}/{}", folder, word)
            : fmt::format("{}/{}/{}", around.folder, folder, word);
    if (!word.empty() && root.is_file(path)) {
      return path;
    }
  }
  return fail(ErrorCode::NotFound, "{}: no such program in {}", word,
              around.search_path);
}

std::optional<ScriptLine> parse_script_line(std::string_view text) {
  if (!text.starts_with("#!")) {
    return std::nullopt;
  }
  text = text.substr(2, kScriptLine - 2);
  const std::string_view line = without_blanks(text.substr(0, text.find('\n')));
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  if (end == 0 || line.contains('\0')) {
    return std::nullopt;
  }
  return ScriptLine{std::string(line.substr(0, end)),
                    std::string(without_blanks(line.substr(end)))};
}

Result<Launch> follow_scripts(const Root& root, const std::string& program,
                              const Surroundings& around) {
  Launch launch{.program = program};
  for (int i = 0;; ++i) {
    TRY_ASSIGN(const RootFile file, root.read(launch.program));
    const auto line = parse_script_line(file.bytes.text());
    if (!line) {
      return launch;
    }
    if (i == kMaxScripts) {
      return fail(ErrorCode::InvalidInput,
                  "{}: scripts are interpreted by scripts too often", program);
    }
    std::string next = line->interpreter;
    if (next.substr(next.rfind('/') + 1) == "env") {
      if (std::string started = started_by_env(line->argument);
          !started.empty()) {
        next = std::move(started);
      }
    }
    TRY_ASSIGN(next, during(file.path, find_program(root, next, around)));
    launch.gaps.push_back(
        {.kind = "script",
         .object = file.path,
         .detail =
             fmt::format("{} interprets it; what else it starts, and what "
                         "it makes {} do, is not known",
                         next, next.substr(next.rfind('/') + 1))});
    launch.program = std::move(next);
  }
}

}  // namespace vambrace::elf
