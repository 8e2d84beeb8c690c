#include "cli/memo_words.h"

#include <utility>

namespace vambrace::cli {
namespace {

// An absolute path alone counts (XDG Base Directory Specification).
std::string default_folder(const Environment& environment) {
  for (const auto& [name, below] : {std::pair("XDG_CACHE_HOME", "/vambrace"),
                                    std::pair("HOME", "/.cache/vambrace")}) {
    const auto variable = environment.variables.find(name);
    if (variable != environment.variables.end() &&
        variable->second.starts_with('/')) {
      return variable->second + below;
    }
  }
  return "";
}

}  // namespace

void MemoWords::declare(Options& options) {
  options.value("--cache", "DIR", folder,
                "where answers are kept, for when the same is asked again; "
                "~/.cache/vambrace unless given");
  options.flag("--no-cache", off, "analyze anew, and keep nothing");
}

Result<> MemoWords::check() const {
  if (off && !folder.empty()) {
    return fail(ErrorCode::InvalidInput,
                "--cache and --no-cache: is there one or none?");
  }
  return {};
}

Memos::Memos(const Environment& environment, const MemoWords& words)
    : builds_(loaded_builds()) {
  const std::string folder =
      words.folder.empty() ? default_folder(environment) : words.folder;
  if (!words.off && !folder.empty() && !builds_.empty()) {
    folder_.emplace(folder, [this](const Error& error) {
      const std::scoped_lock lock(mutex_);
      trouble_ = error;
    });
  }
}

Result<elf::Answered> Memos::analyze(const elf::Root& root,
                                     const elf::Request& request,
                                     elf::Binaries& binaries) {
  return elf::analyze_once(root, request, builds_,
                           folder_ ? &*folder_ : nullptr, binaries);
}

std::optional<Error> Memos::trouble() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(trouble_, std::nullopt);
}

void warn_of_trouble(Environment& environment, Memos& memos) {
  if (const auto trouble = memos.trouble()) {
    environment.output.err(
        fmt::format("warning: no cache: {}\n", trouble->message()));
  }
}

}  // namespace vambrace::cli
