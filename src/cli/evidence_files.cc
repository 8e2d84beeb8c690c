#include "cli/evidence_files.h"

#include "cli/file_kind.h"
#include "evidence/json.h"
#include "evidence/merge.h"

namespace vambrace::cli {

Result<evidence::Evidence> read_evidence(const Files& files,
                                         const std::string& path) {
  auto text = files.read(path);
  if (!text) {
    return std::unexpected(
        wrong_kind(files, path, Wanted::Evidence, std::move(text.error())));
  }
  auto parsed = during(path, evidence::parse(*text));
  if (!parsed) {
    return std::unexpected(
        wrong_kind(files, path, Wanted::Evidence, std::move(parsed.error())));
  }
  return parsed;
}

Result<evidence::Evidence> read_merged(const Files& files,
                                       const std::vector<std::string>& paths) {
  if (paths.empty()) {
    return fail(ErrorCode::InvalidInput, "no evidence file given");
  }
  return evidence::merge_all(paths, [&](const std::string& path) {
    return read_evidence(files, path);
  });
}

}  // namespace vambrace::cli
