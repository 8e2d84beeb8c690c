#include <algorithm>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/profile_file.h"
#include "enforcer/seccomp_compile.h"
#include "evidence/time.h"
#include "policy/apparmor/render.h"
#include "policy/seccomp/lint.h"
#include "repository/compose.h"
#include "review/days.h"
#include "review/remarks.h"

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

// About the AppArmor profile of a bundle, for the target that is linted, what
// its layers say against each other, which of its files are not what its policy
// renders to, and waivers that end or have ended. A profile alone says nothing.
Result<std::vector<Remark>> judge_bundle(const Files& files,
                                         const std::string& path,
                                         const runtime::Target& target,
                                         std::string_view day) {
  std::vector<Remark> remarks;
  if (!files.exists(path + "/bundle.yaml") ||
      !files.exists(path + "/policy.json")) {
    return remarks;
  }
  TRY_ASSIGN(const repository::Bundle bundle,
             repository::load_bundle(files, path));
  const std::set<std::uint32_t> granted(bundle.capabilities.begin(),
                                        bundle.capabilities.end());
  TRY_ASSIGN(
      const policy::apparmor::Rendered rendered,
      during(path, policy::apparmor::render(bundle.policy, target,
                                            bundle.manifest.stage, granted)));
  repository::Manifest manifest = bundle.manifest;
  manifest.target = target;
  std::vector<policy::Finding> findings =
      repository::security_context(bundle.policy, manifest, granted, rendered)
          .findings;
  std::ranges::copy(rendered.findings, std::back_inserter(findings));
  TRY_ASSIGN(const std::vector<std::string> edited,
             repository::edited_layers(bundle, day.substr(0, 10)));
  std::ranges::copy(
      review::file_findings(edited, repository::missing_files(bundle),
                            bundle.unfinished),
      std::back_inserter(findings));
  const std::vector<review::WaiverState> waivers = review::waiver_states(
      manifest.waivers, review::day_number(day).value_or(0));
  std::ranges::copy(review::waiver_findings(waivers),
                    std::back_inserter(findings));
  for (const policy::Finding& finding : findings) {
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
  options.word("FILE|DIR", path, "a seccomp profile, or a bundle folder");
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
             judge_bundle(environment.files, path, file.target,
                          evidence::format_time(environment.now())));
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
