#include <algorithm>

#include "attest/command_output.h"
#include "base/json.h"
#include "base/memory_files.h"
#include "cli/bundle_words.h"
#include "cli/commands.h"
#include "cli/memo_words.h"
#include "cli/options.h"
#include "cli/review_reach.h"
#include "cli/review_words.h"
#include "elf/json.h"
#include "evidence/time.h"
#include "policy/apparmor/render.h"
#include "policy/risk_json.h"
#include "recorder/ebpf/build_id.h"
#include "report/page.h"
#include "repository/compose.h"
#include "review/json.h"
#include "review/judge.h"
#include "review/markdown.h"
#include "review/sarif.h"

namespace vambrace::cli {
namespace {

// What review looks at beside the bundle.
struct Around {
  std::vector<elf::Reach> reaches;
  std::optional<policy::RiskTable> risks;
  std::string root;  // where the programs lie; empty: not asked for
  std::string day;
};

struct ReviewRequest {
  std::string directory;
  std::vector<std::string> decision;
  DecisionWords words;
  std::vector<std::string> reaches;
  std::optional<std::string> root;
  std::optional<std::string> risks;
  std::optional<std::string> against;
  std::optional<std::string> html;
  std::string format = "text";
  std::string fail_on;
  MemoWords memos;
  bool all = false;
  bool json = false;
};

Result<Around> look_around(const Environment& environment,
                           const ReviewRequest& request) {
  Around around{.root = request.root.value_or(""),
                .day = evidence::format_time(environment.now()).substr(0, 10)};
  for (const std::string& path : request.reaches) {
    TRY_ASSIGN(const std::string text, environment.files.read(path));
    TRY_ASSIGN(std::vector<elf::Reach> reaches,
               during(path, elf::parse_reaches(text)));
    std::ranges::move(reaches, std::back_inserter(around.reaches));
  }
  if (request.risks) {
    TRY_ASSIGN(const std::string text, environment.files.read(*request.risks));
    TRY_ASSIGN(around.risks, during(*request.risks, policy::parse_risks(text)));
  }
  return around;
}

// Of the programs in the evidence as they lie below the root now.
std::map<std::string, std::string> installed_in(
    const Files& files, const std::string& root,
    const evidence::Evidence& evidence) {
  std::map<std::string, std::string> ids;
  for (const evidence::Process& process : evidence.processes) {
    const std::string path = root + process.key.exe;
    const bool workload = process.key.origin != evidence::Origin::Runtime &&
                          process.key.origin != evidence::Origin::Harness;
    if (root.empty() || !workload || ids.contains(process.key.exe) ||
        !files.is_regular(path)) {
      continue;
    }
    const auto bytes = files.read(path);
    const auto id = bytes ? recorder::ebpf::build_id_in(*bytes) : std::nullopt;
    if (id) {
      ids.emplace(process.key.exe, *id);
    }
  }
  return ids;
}

// What rendering remarks about the profile and the context that stage harden
// gets.
Result<std::vector<policy::Finding>> rendering_of(const Loaded& bundle) {
  repository::Manifest manifest = bundle.manifest;
  manifest.stage = policy::Stage::Harden;
  TRY_ASSIGN(policy::apparmor::Rendered rendered,
             policy::apparmor::render(bundle.policy, manifest.target,
                                      manifest.stage, bundle.granted));
  std::vector<policy::Finding> findings =
      repository::security_context(bundle.policy, manifest, bundle.granted,
                                   rendered)
          .findings;
  std::ranges::move(rendered.findings, std::back_inserter(findings));
  return findings;
}

// The bundle of a folder, reviewed. `disk`: where the programs lie.
Result<review::Review> review_of(const Files& files, const Files& disk,
                                 const std::string& directory,
                                 const Around& around) {
  TRY_ASSIGN(const Loaded bundle, load(files, directory));
  TRY_ASSIGN(const auto local,
             repository::kept_layer(bundle, bundle.manifest.target));
  evidence::Evidence evidence{.workload = bundle.policy.workload};
  auto found = repository::load_bundle_evidence(files, directory);
  if (found) {
    evidence = std::move(*found);
  } else if (found.error().code() != ErrorCode::NotFound) {
    return std::unexpected(std::move(found.error()));
  }
  const auto installed = installed_in(disk, around.root, evidence);
  TRY_ASSIGN(const std::vector<std::string> edited,
             repository::edited_layers(bundle, around.day));
  const std::vector<std::string> missing = repository::missing_files(bundle);
  TRY_ASSIGN(const std::vector<policy::Finding> rendering,
             during(directory, rendering_of(bundle)));
  return during(
      directory,
      review::judge(
          {.policy = bundle.policy,
           .evidence = evidence,
           .target = bundle.manifest.target,
           .stage = bundle.manifest.stage,
           .capabilities = bundle.granted,
           .layer =
               local ? *local : runtime::runtime_layer(bundle.manifest.target),
           .decisions = bundle.manifest.decisions,
           .waivers = bundle.manifest.waivers,
           .reaches = around.reaches,
           .installed = installed,
           .day = around.day,
           .edited = edited,
           .missing = missing,
           .unfinished = bundle.unfinished,
           .rendering = rendering,
           .risks = around.risks ? *around.risks : policy::builtin_risks()}));
}

// The folder as git has it at a commit, a branch or a tag.
Result<MemoryFiles> files_at(const std::string& directory,
                             const std::string& reference) {
  const auto git = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"git", "-C", directory});
    return attest::command_output(words);
  };
  // A word with a dash in front would be an option.
  const auto listed =
      reference.starts_with('-')
          ? Result<std::string>(fail(ErrorCode::InvalidInput, "an option"))
          : git({"ls-tree", "-r", "-z", "--name-only", reference});
  if (!listed || listed->empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("--against: \"{}\" is no folder, and git has no "
                          "bundle there",
                          json::quote_bytes(reference)))
            .with_hint("name a bundle folder, or a commit that holds this "
                       "one: --against origin/main"));
  }
  MemoryFiles files;
  std::string_view names = *listed;
  while (!names.empty()) {
    const std::string name(names.substr(0, names.find('\0')));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    TRY_ASSIGN(files.files[directory + "/" + name],
               during(fmt::format("{}:{}", reference, name),
                      git({"cat-file", "blob",
                           fmt::format("{}:./{}", reference, name)})));
  }
  return files;
}

Result<review::Review> review_against(const Environment& environment,
                                      const ReviewRequest& request,
                                      const Around& around) {
  const std::string& against = *request.against;
  if (environment.files.is_directory(against)) {
    return review_of(environment.files, environment.files, against, around);
  }
  TRY_ASSIGN(const MemoryFiles files, files_at(request.directory, against));
  return during(against,
                review_of(files, environment.files, request.directory, around));
}

// Each call that opens nothing new and that nobody decided about.
Result<std::vector<std::string>> nothing_new_of(const review::Review& made) {
  if (made.summary.analyzed.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{} is unknown: no program of the workload was "
                          "analyzed",
                          review::kNothingNew))
            .with_hint("say --root DIR, or --reach with a file of vambrace "
                       "analyze PROGRAM --json"));
  }
  std::vector<std::string> subjects;
  for (const review::Offer& offer : review::nothing_new(made.candidates)) {
    subjects.push_back(offer.subject);
  }
  if (subjects.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("no call is left of {}: there is none, or somebody "
                          "decided about each",
                          review::kNothingNew))
            .with_hint("vambrace review DIR tells what can be done and what "
                       "was decided"));
  }
  return subjects;
}

// Cuts the words into the choice and what it is about.
Result<> read_decision(ReviewRequest& request) {
  std::vector<std::string>& words = request.decision;
  constexpr std::string_view kChoices[] = {"keep", "drop", "add", "waive",
                                           "forget"};
  if (std::ranges::find(kChoices, words.front()) == std::end(kChoices)) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("\"{}\" is no decision",
                          json::quote_bytes(words.front())))
            .with_hint("decide to keep, drop, add, waive or forget"));
  }
  request.words.choice = words.front();
  words.erase(words.begin());
  request.words.what = {fmt::format("{}", fmt::join(words, " "))};
  return {};
}

void declare(Options& options, ReviewRequest& request) {
  options.word("DIR", request.directory, "the bundle folder");
  options.words("DECISION", request.decision,
                "keep, drop, add, waive or forget, and what: drop \"syscall "
                "ptrace\"");
  options.value("--why", "REASON", request.words.why,
                "the reason of a decision");
  options.value("--until", "DAY", request.words.until,
                "the last day of a waiver, as 2027-03-31");
  options.value("--as", "NAME", request.words.who,
                "who decides (git's user.name and user.email)");
  options.values("--reach", "FILE", request.reaches,
                 "what a program can do, from vambrace analyze --json");
  options.value(
      "--root", "DIR", request.root,
      "where the programs lie: analyzes them, and sees which changed");
  options.value("--risks", "FILE", request.risks,
                "a table of risks in place of the one that ships");
  options.value("--against", "DIR|REF", request.against,
                "a bundle of before, or a commit that holds this one");
  options.choice("--format", {"text", "markdown", "sarif"}, request.format,
                 "how to write it (text)");
  options.value("--fail-on", "SEVERITY", request.fail_on,
                "which findings fail it: high, medium, low, info, the same "
                "with new- in front, or none (high; with --against new-high)");
  options.value("--html", "FILE", request.html,
                "write it as one page for a browser, too");
  options.flag("--all", request.all, "every finding, grant and candidate");
  options.json(request.json);
  request.memos.declare(options);
}

std::string written(const Environment& environment,
                    const ReviewRequest& request, const review::Review& made,
                    const std::optional<review::Changes>& since) {
  return request.json                   ? review::print_review(made)
         : request.format == "markdown" ? review::markdown(made, since)
         : request.format == "sarif"
             ? review::sarif(made, since, request.directory)
             : review_text(made, since, request.directory, request.all,
                           environment.color);
}

}  // namespace

Result<Exit> review_command(Environment& environment, Words words) {
  ReviewRequest request;
  Options options;
  declare(options, request);
  TRY(options.parse(environment, words));
  TRY(request.memos.check());
  if (request.json && request.format != "text") {
    return std::unexpected(Error(ErrorCode::InvalidInput,
                                 "--json and --format say two ways to write it")
                               .with_hint("leave one of them out"));
  }
  while (request.directory.size() > 1 && request.directory.ends_with('/')) {
    request.directory.pop_back();
  }
  const bool decides = !request.decision.empty();
  if (decides) {
    TRY(read_decision(request));
  }
  const bool nothing_new = request.words.choice == "add" &&
                           request.words.what.front() == review::kNothingNew;
  if (decides && !nothing_new) {
    TRY(write_decision(environment, request.directory, request.words));
    return Exit::Clean;
  }
  if (nothing_new) {
    // Before programs are analyzed for it.
    TRY(check_decision_words(environment, request.words));
  }
  if (request.fail_on.empty()) {
    request.fail_on = request.against ? "new-high" : "high";
  }
  TRY_ASSIGN(const review::FailOn fail_on,
             during("--fail-on", review::parse_fail_on(request.fail_on)));
  TRY_ASSIGN(Around around, look_around(environment, request));
  if (!around.root.empty()) {
    // Without evidence there is no program to look for.
    if (const auto evidence = repository::load_bundle_evidence(
            environment.files, request.directory)) {
      Memos memos(environment, request.memos);
      TRY(add_reaches(environment, memos, around.root, *evidence,
                      around.reaches));
    }
  }
  TRY_ASSIGN(const review::Review made,
             review_of(environment.files, environment.files, request.directory,
                       around));
  if (nothing_new) {
    TRY_ASSIGN(request.words.what, nothing_new_of(made));
    TRY(write_decision(environment, request.directory, request.words));
    return Exit::Clean;
  }
  std::optional<review::Changes> since;
  if (request.against) {
    TRY_ASSIGN(const review::Review old,
               review_against(environment, request, around));
    since = review::changes(old, made);
  }
  if (request.html) {
    TRY(environment.files.write(*request.html,
                                report::review_page(made, request.directory)));
  }
  environment.output.out(written(environment, request, made, since));
  return review::failing(made, since, fail_on).empty() ? Exit::Clean
                                                       : Exit::Findings;
}

}  // namespace vambrace::cli
