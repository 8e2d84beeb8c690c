#include "cli/synth_input.h"

#include <algorithm>

#include "cli/evidence_files.h"
#include "evidence/identity.h"
#include "evidence/json.h"
#include "evidence/merge.h"
#include "repository/compose.h"

namespace vambrace::cli {
namespace {

std::string copy_name(const evidence::Evidence& one) {
  const std::size_t more = one.recordings.size() - 1;
  return fmt::format("evidence/{}{}.json", one.recordings.front().id,
                     more == 0 ? "" : fmt::format("-and-{}", more));
}

// The evidence files of the bundle, named relative to its folder.
Result<std::vector<std::string>> kept_evidence(const Files& files,
                                               const std::string& directory) {
  std::vector<std::string> kept;
  if (files.is_directory(directory + "/evidence")) {
    TRY_ASSIGN(const auto names, files.list(directory + "/evidence"));
    for (const std::string& name : names) {
      if (name.ends_with(".json") && !name.starts_with('.')) {
        kept.push_back("evidence/" + name);
      }
    }
  }
  return kept;
}

// Of files with the same recordings one copy, of what is in any of them.
Result<> keep_copy(std::map<std::string, std::string>& copies,
                   const std::string& path, const evidence::Evidence& one) {
  std::string text = evidence::print(one);
  const auto [kept, fresh] = copies.try_emplace(copy_name(one), text);
  if (fresh || kept->second == text) {
    return {};
  }
  TRY_ASSIGN(evidence::Evidence other,
             during(path, evidence::parse(kept->second)));
  TRY_ASSIGN(const evidence::Evidence both,
             during(path, evidence::merge(std::move(other), one)));
  kept->second = evidence::print(both);
  return {};
}

// The evidence of these files, and what the bundle keeps of it.
Result<SynthInput> read_all(const Files& files,
                            const std::vector<std::string>& paths) {
  SynthInput input;
  TRY_ASSIGN(
      input.merged,
      evidence::merge_all(
          paths, [&](const std::string& path) -> Result<evidence::Evidence> {
            TRY_ASSIGN(evidence::Evidence one, read_evidence(files, path));
            if (one.recordings.empty()) {
              return fail(ErrorCode::InvalidInput, "{}: no recording in it",
                          path);
            }
            TRY(keep_copy(input.copies, path, one));
            return one;
          }));
  return input;
}

}  // namespace

Result<SynthInput> read_input(const Files& files,
                              const std::vector<std::string>& given,
                              const std::string& output) {
  TRY_ASSIGN(const std::vector<std::string> kept, kept_evidence(files, output));
  std::vector<std::string> paths = given;
  if (paths.empty()) {
    for (const std::string& name : kept) {
      paths.push_back(output + "/" + name);
    }
  }
  if (paths.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "no evidence given")
            .with_hint("make some with: vambrace record -o FILE -- COMMAND"));
  }
  TRY_ASSIGN(SynthInput input, read_all(files, paths));
  for (const std::string& name : repository::unfinished_files(files, output)) {
    if (given.empty() && name.starts_with("evidence/")) {
      input.lost.push_back(name);
    }
  }
  if (!evidence::has_application(input.merged)) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{}: nothing was seen of the workload itself; a "
                          "policy from it would deny everything",
                          fmt::join(paths, ", ")))
            .with_hint("record again, and name the program or container that "
                       "is the workload: vambrace record --workload NAME -- "
                       "COMMAND"));
  }
  for (const std::string& name : kept) {
    const std::string path = output + "/" + name;
    if (input.copies.contains(name) ||
        std::ranges::find(paths, path) != paths.end()) {
      continue;
    }
    // A bundle whose evidence does not fit together could not be replayed.
    TRY_ASSIGN(const evidence::Evidence other, read_evidence(files, path));
    if (auto fits = evidence::merge(input.merged, other); !fits) {
      return std::unexpected(
          std::move(fits.error())
              .during(path)
              .with_hint("make another bundle with -o, or remove that file"));
    }
    input.unused.push_back(name);
  }
  return input;
}

}  // namespace vambrace::cli
