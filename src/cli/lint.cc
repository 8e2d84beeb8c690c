#include <algorithm>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/profile_file.h"
#include "enforcer/seccomp_compile.h"
#include "policy/seccomp/lint.h"
#include "repository/compose.h"

namespace vambrace::cli {
namespace {

namespace seccomp = policy::seccomp;
using seccomp::Remark;

// What the compiler of this machine makes of it, as remarks: a profile that it
// gets wrong is a finding like any other.
std::vector<Remark> judge_filter(const ProfileFile& file) {
  const auto program = enforcer::compile_checked(file.profile, file.target);
  if (program) {
    return seccomp::lint_filter(*program, file.profile, file.target);
  }
  return {{"filter-refused", seccomp::Severity::High, "filter",
           program.error().message(), program.error().hint()}};
}

seccomp::Severity severity_of(const policy::Finding& finding) {
  return finding.severity == "high"     ? seccomp::Severity::High
         : finding.severity == "medium" ? seccomp::Severity::Medium
         : finding.severity == "low"    ? seccomp::Severity::Low
                                        : seccomp::Severity::Info;
}

// What a bundle's layers say against each other. A profile alone says nothing.
Result<std::vector<Remark>> judge_context(const Files& files,
                                          const std::string& path) {
  std::vector<Remark> remarks;
  if (!files.exists(path + "/bundle.yaml") ||
      !files.exists(path + "/policy.json")) {
    return remarks;
  }
  TRY_ASSIGN(const repository::Bundle bundle,
             repository::load_bundle(files, path));
  const auto context = repository::security_context(
      bundle.policy, bundle.manifest,
      {bundle.capabilities.begin(), bundle.capabilities.end()});
  for (const policy::Finding& finding : context.findings) {
    remarks.push_back({finding.id, severity_of(finding), finding.place,
                       finding.message, finding.hint});
  }
  return remarks;
}

json::Value to_json(const Remark& remark) {
  return {{"id", remark.id},
          {"severity", seccomp::to_string(remark.severity)},
          {"place", remark.place},
          {"message", remark.message},
          {"hint", remark.hint}};
}

std::string to_text(const Remark& remark) {
  std::string out =
      fmt::format("{:<6} {}: {} [{}]\n", seccomp::to_string(remark.severity),
                  remark.place, remark.message, remark.id);
  if (!remark.hint.empty()) {
    out += fmt::format("       {}\n", remark.hint);
  }
  return out;
}

}  // namespace

Result<Exit> lint(Environment& environment, Words words) {
  std::string path;
  std::string target;
  bool as_json = false;
  Options options;
  options.word("FILE|DIR", path, "a profile, or a folder with seccomp.json");
  options.choice("--target", runtime::target_names(), target,
                 "what the profile is for (a bundle's own; a file: docker)");
  options.json(as_json);
  TRY(options.parse(environment, words));

  TRY_ASSIGN(const ProfileFile file,
             read_profile(environment.files, path, target));
  TRY_ASSIGN(std::vector<Remark> remarks,
             during(file.path, seccomp::lint(file.profile, file.target)));
  std::ranges::copy(judge_filter(file), std::back_inserter(remarks));
  TRY_ASSIGN(const std::vector<Remark> others,
             judge_context(environment.files, path));
  std::ranges::copy(others, std::back_inserter(remarks));
  std::ranges::stable_sort(remarks, std::greater(), &Remark::severity);

  if (as_json) {
    json::Value list = json::Value::array();
    for (const Remark& remark : remarks) {
      list.push_back(to_json(remark));
    }
    environment.output.out(json::print({{"schema", "vambrace.lint/v1"},
                                        {"target", file.target.name},
                                        {"findings", std::move(list)}}));
  } else {
    for (const Remark& remark : remarks) {
      environment.output.out(to_text(remark));
    }
  }
  const bool worth_it = std::ranges::any_of(remarks, [](const Remark& each) {
    return each.severity >= seccomp::Severity::Medium;
  });
  return worth_it ? Exit::Findings : Exit::Clean;
}

}  // namespace vambrace::cli
