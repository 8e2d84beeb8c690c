#include "cli/commands.h"
#include "cli/evidence_files.h"
#include "cli/options.h"
#include "evidence/json.h"
#include "evidence/merge.h"

namespace vambrace::cli {
namespace {

Result<Exit> write(Environment& environment, const evidence::Evidence& evidence,
                   const std::string& output) {
  TRY(environment.files.write(output, evidence::print(evidence)));
  environment.output.out(fmt::format(
      "{}: {} recording(s), {}\n", output, evidence.recordings.size(),
      evidence::to_string(evidence::verdict(evidence).state)));
  return Exit::Clean;
}

}  // namespace

Result<Exit> evidence_merge(Environment& environment, Words words) {
  std::vector<std::string> files;
  std::string output;
  Options options;
  options.value("-o,--output", "FILE", output, "where to write");
  options.words("EVIDENCE", files, "evidence files", 1);
  TRY(options.parse(environment, words));
  TRY_ASSIGN(const evidence::Evidence all,
             read_merged(environment.files, files));
  if (output.empty()) {
    environment.output.out(evidence::print(all));
    return Exit::Clean;
  }
  return write(environment, all, output);
}

Result<Exit> evidence_compact(Environment& environment, Words words) {
  std::vector<std::string> files;
  std::string output;
  Options options;
  options.value("-o,--output", "FILE", output, "where to write");
  options.words("EVIDENCE", files, "evidence files", 1);
  TRY(options.parse(environment, words));
  TRY_ASSIGN(const evidence::Evidence all,
             read_merged(environment.files, files));
  TRY_ASSIGN(const evidence::Evidence one, evidence::compact(all));
  if (output.empty()) {
    environment.output.out(evidence::print(one));
    return Exit::Clean;
  }
  return write(environment, one, output);
}

}  // namespace vambrace::cli
