#include "cli/evidence_files.h"

#include "evidence/json.h"
#include "evidence/merge.h"

namespace vambrace::cli {

Result<evidence::Evidence> read_evidence(const Files& files,
                                         const std::string& path) {
  TRY_ASSIGN(const std::string text, files.read(path));
  return during(path, evidence::parse(text));
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
