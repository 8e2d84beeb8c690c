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
  std::optional<evidence::Evidence> all;
  for (const std::string& path : paths) {
    TRY_ASSIGN(evidence::Evidence one, read_evidence(files, path));
    if (all) {
      TRY_ASSIGN(one, during(path, evidence::merge(*all, one)));
    }
    all = std::move(one);
  }
  if (!all) {
    return fail(ErrorCode::InvalidInput, "no evidence file given");
  }
  return std::move(*all);
}

}  // namespace vambrace::cli
