#include "evidence/diff.h"

#include "base/json.h"
#include "cli/commands.h"
#include "cli/evidence_files.h"
#include "cli/options.h"

namespace vambrace::cli {
namespace {

json::Value to_json(const evidence::Difference& one) {
  return {{"only_in", one.in_second ? "b" : "a"},
          {"exe", json::quote_bytes(one.process.exe)},
          {"script", json::quote_bytes(one.process.script)},
          {"origin", std::string(to_string(one.process.origin))},
          {"parent", json::quote_bytes(one.process.parent)},
          {"kind", one.kind},
          {"what", one.what}};
}

}  // namespace

Result<Exit> evidence_diff(Environment& environment, Words words) {
  std::string a;
  std::string b;
  bool as_json = false;
  Options options;
  options.json(as_json);
  options.word("A", a, "the first evidence file");
  options.word("B", b, "the second evidence file");
  TRY(options.parse(environment, words));
  TRY_ASSIGN(const evidence::Evidence first,
             read_evidence(environment.files, a));
  TRY_ASSIGN(const evidence::Evidence second,
             read_evidence(environment.files, b));
  const auto differences = evidence::diff(first, second);
  if (as_json) {
    json::Value list = json::Value::array();
    for (const auto& one : differences) {
      list.push_back(to_json(one));
    }
    environment.output.out(json::print(
        {{"schema", "vambrace.evidence-diff/v1"}, {"differences", list}}));
  } else {
    for (const auto& one : differences) {
      environment.output.out(
          fmt::format("{} {} ({}): {} {}\n", one.in_second ? '+' : '-',
                      json::quote_bytes(one.process.exe),
                      to_string(one.process.origin), one.kind, one.what));
    }
    if (differences.empty()) {
      environment.output.out("no difference in behavior\n");
    }
  }
  return differences.empty() ? Exit::Clean : Exit::Findings;
}

}  // namespace vambrace::cli
