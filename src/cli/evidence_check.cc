#include "base/json.h"
#include "cli/commands.h"
#include "cli/evidence_files.h"
#include "cli/options.h"
#include "evidence/gaps.h"
#include "evidence/merge.h"

namespace vambrace::cli {

Result<Exit> evidence_check(Environment& environment, Words words) {
  std::vector<std::string> files;
  bool as_json = false;
  Options options;
  options.json(as_json);
  options.words("EVIDENCE", files, "evidence files", 1);
  TRY(options.parse(environment, words));

  json::Value list = json::Value::array();
  std::string text;
  bool complete = true;
  for (const std::string& path : files) {
    TRY_ASSIGN(const evidence::Evidence one,
               read_evidence(environment.files, path));
    const evidence::Verdict verdict = evidence::verdict(one);
    complete = complete && verdict.state == evidence::State::Complete;
    text += fmt::format("{}: {}\n", path, to_string(verdict.state));
    json::Value gaps = json::Value::array();
    for (const evidence::Gap& gap : verdict.gaps) {
      const std::string kind = json::quote_bytes(gap.kind);
      const std::string detail = json::quote_bytes(gap.detail);
      const std::string todo(evidence::advice(gap.kind));
      text += fmt::format("  {}: {} (to do: {})\n", kind, detail, todo);
      gaps.push_back({{"kind", kind}, {"detail", detail}, {"advice", todo}});
    }
    list.push_back({{"file", json::quote_bytes(path)},
                    {"state", std::string(to_string(verdict.state))},
                    {"gaps", gaps}});
  }
  environment.output.out(
      as_json ? json::print(
                    {{"schema", "vambrace.evidence-check/v1"}, {"files", list}})
              : text);
  return complete ? Exit::Clean : Exit::Refused;
}

}  // namespace vambrace::cli
