#include <filesystem>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/enforcement.h"
#include "cli/options.h"
#include "enforcer/minimize.h"
#include "enforcer/trial.h"
#include "kernel/capabilities.h"
#include "recorder/ebpf/ebpf_recorder.h"

namespace vambrace::cli {
namespace {

using enforcer::Denial;
using enforcer::Judgement;

struct Asked {
  ChoiceWords choice;
  std::vector<std::string> workloads;
  std::string matching;
  bool minimize = false;
  bool json = false;
  std::vector<std::string> command;
};

Result<> parse(Environment& environment, Words words, Asked& asked) {
  Options options;
  declare_choice(options, asked.choice);
  options.values("-w,--workload", "EXE|CONTAINER", asked.workloads,
                 "what to confine, if not the bundle's program or container");
  options.value("--matching", "WORD", asked.matching,
                "confine only what is started with this argument");
  options.flag("--minimize", asked.minimize,
               "also leave each capability out in turn");
  options.json(asked.json);
  options.command(asked.command, "the test, which starts the workload");
  return options.parse(environment, words);
}

bool in_a_container(const enforcer::Dress& dress) {
  return dress.target.runtime != runtime::Runtime::Process;
}

// The program or container of the bundle, unless --workload names others.
Result<std::vector<std::string>> workloads(const Asked& asked,
                                           const repository::Bundle& bundle,
                                           const evidence::Evidence& recorded,
                                           const enforcer::Dress& dress) {
  if (!asked.workloads.empty()) {
    return asked.workloads;
  }
  if (in_a_container(dress)) {
    if (!bundle.manifest.workload.container.empty()) {
      return std::vector{bundle.manifest.workload.container};
    }
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "which container is the workload?")
            .with_hint("--workload NAME, as in `docker run --name NAME` or "
                       "`runc run NAME`"));
  }
  std::vector<std::string> programs = enforcer::application_programs(recorded);
  if (programs.size() == 1) {
    return programs;
  }
  return std::unexpected(
      Error(ErrorCode::InvalidInput,
            programs.empty()
                ? "the bundle's evidence names no program"
                : fmt::format("the bundle's evidence has several programs: {}",
                              fmt::join(programs, ", ")))
          .with_hint("--workload EXE says which to confine; what it starts is "
                     "confined with it"));
}

// The bundle and the choice again, for `vambrace run` in docker's place.
std::vector<std::string> run_words(const Asked& asked,
                                   const std::set<std::uint32_t>& without) {
  std::vector<std::string> words = {
      std::filesystem::absolute(asked.choice.directory)
          .lexically_normal()
          .string()};
  if (!asked.choice.target.empty()) {
    words.insert(words.end(), {"--target", asked.choice.target});
  }
  if (!asked.choice.stage.empty()) {
    words.insert(words.end(), {"--stage", asked.choice.stage});
  }
  for (const std::uint32_t number : without) {
    words.insert(words.end(),
                 {"--without",
                  std::string(kernel::capability_name(number).value_or(""))});
  }
  return words;
}

json::Value to_json(const Denial& denial) {
  json::Value value = {{"text", enforcer::describe(denial)},
                       {"exe", json::quote_bytes(denial.exe)},
                       {"origin", evidence::to_string(denial.origin)},
                       {"count", denial.count},
                       {"errnos", denial.errnos}};
  if (const auto& access = denial.access) {
    value["kind"] = "apparmor";
    value["profile"] = json::quote_bytes(access->profile);
    value["operation"] = json::quote_bytes(access->operation);
    value["name"] = json::quote_bytes(access->name);
    value["mask"] = json::quote_bytes(access->mask);
    value["more"] = json::Value::object();
    for (const auto& [key, word] : access->more) {
      value["more"][json::quote_bytes(key)] = json::quote_bytes(word);
    }
  } else if (denial.syscall) {
    value["kind"] = "syscall";
    value["arch"] = kernel::to_string(denial.syscall->arch);
    value["nr"] = denial.syscall->nr;
    value["name"] = kernel::syscall_label(*denial.syscall);
    value["args"] = json::Value::array();
    for (const auto& tuple : denial.args) {
      json::Value words = json::Value::array();
      for (const std::uint64_t number : tuple) {
        words.push_back(fmt::format("{:#x}", number));
      }
      value["args"].push_back(words);
    }
  } else {
    value["kind"] = "capability";
    value["name"] = capability_words(std::vector{*denial.capability}).front();
    value["during"] =
        denial.during ? kernel::syscall_label(*denial.during) : "";
    value["functions"] = denial.functions;
  }
  if (denial.expected) {
    value["why"] = denial.why;
  }
  return value;
}

json::Value to_json(const std::vector<Denial>& denials) {
  json::Value list = json::Value::array();
  for (const Denial& denial : denials) {
    list.push_back(to_json(denial));
  }
  return list;
}

json::Value to_json(const Judgement& judgement) {
  return {{"holds", judgement.holds()},
          {"status", judgement.status},
          {"confined", judgement.started},
          {"failures", judgement.failures},
          {"losses", judgement.losses},
          {"apparmor",
           {{"profile", judgement.profile},
            {"unproved", judgement.unproved},
            {"kept", judgement.kept}}},
          {"denials", to_json(judgement.unexpected)},
          {"expected_denials", to_json(judgement.expected)}};
}

json::Value to_json(const enforcer::Minimum& minimum) {
  json::Value tried = json::Value::array();
  for (const enforcer::Omission& omission : minimum.omissions) {
    tried.push_back(
        {{"capability", capability_words(std::vector{omission.number}).front()},
         {"missed", omission.missed},
         {"why", omission.why}});
  }
  return {
      {"tried", tried},
      {"minimal", capability_words(std::vector(minimum.capabilities.begin(),
                                               minimum.capabilities.end()))},
      {"whole", to_json(minimum.whole)}};
}

std::string as_text(const Judgement& judgement) {
  const std::vector<Denial> unexpected =
      enforcer::without_functions(judgement.unexpected);
  const std::vector<Denial> expected =
      enforcer::without_functions(judgement.expected);
  std::string text;
  for (const std::string& failure : judgement.failures) {
    text += fmt::format("failed    {}\n", failure);
  }
  for (const Denial& denial : unexpected) {
    text += fmt::format("denied    {}\n", enforcer::describe(denial));
  }
  for (const Denial& denial : expected) {
    text += fmt::format("expected  {}\n", enforcer::describe(denial));
  }
  for (const std::string& loss : judgement.losses) {
    text += fmt::format("lost      {}; a denial may have been missed\n", loss);
  }
  if (!judgement.unproved.empty()) {
    text += fmt::format("unproved  AppArmor: {}\n", judgement.unproved);
  }
  if (!judgement.kept.empty()) {
    text += fmt::format("loaded    AppArmor profile {} stays: {}\n",
                        judgement.profile, judgement.kept);
  }
  if (judgement.status != 0) {
    text += fmt::format("the command ended with {}\n", judgement.status);
  }
  return text + fmt::format(
                    "{}: {} start{} under the policy, {} denial{}, {} "
                    "expected\n",
                    judgement.holds() ? "holds" : "does not hold",
                    judgement.started, judgement.started == 1 ? "" : "s",
                    unexpected.size(), unexpected.size() == 1 ? "" : "s",
                    expected.size());
}

std::string as_text(const enforcer::Minimum& minimum) {
  std::string text;
  for (const enforcer::Omission& omission : minimum.omissions) {
    text += fmt::format(
        "without {}: {}\n",
        capability_words(std::vector{omission.number}).front(),
        omission.missed ? "missed: " + omission.why : "nobody missed it");
  }
  const std::vector<std::string> names = capability_words(
      std::vector(minimum.capabilities.begin(), minimum.capabilities.end()));
  return text + fmt::format("minimal set: {}; as a whole: {}",
                            names.empty()
                                ? "none"
                                : fmt::format("{}", fmt::join(names, " ")),
                            as_text(minimum.whole));
}

// The trial of one command, repeatable with other capabilities.
class Verification {
 public:
  Verification(const Asked& asked, const repository::Bundle& bundle,
               const evidence::Evidence& recorded, enforcer::Choice choice)
      : asked_(&asked),
        bundle_(&bundle),
        recorded_(&recorded),
        choice_(std::move(choice)),
        trials_(recorder::ebpf::make_recorder) {}

  // With the capabilities of `granted` left out that are not in `wanted`.
  Result<Judgement> with(const std::set<std::uint32_t>& granted,
                         const std::set<std::uint32_t>& wanted) {
    enforcer::Choice choice = choice_;
    for (const std::uint32_t number : granted) {
      if (!wanted.contains(number)) {
        choice.without.insert(number);
      }
    }
    TRY_ASSIGN(const enforcer::Dress dress, enforcer::dress(*bundle_, choice));
    const std::set<std::uint32_t> capabilities(
        dress.armour.capabilities.begin(), dress.armour.capabilities.end());
    enforcer::TrialPlan plan{.command = asked_->command,
                             .matching = asked_->matching,
                             .output_to_error = asked_->json,
                             .profile =
                                 [&](const auto& options) {
                                   return policy::apparmor::render(
                                       bundle_->policy, dress.target,
                                       dress.stage, capabilities, options);
                                 },
                             .run_words = run_words(*asked_, choice.without)};
    TRY_ASSIGN(plan.workloads, workloads(*asked_, *bundle_, *recorded_, dress));
    TRY_ASSIGN(const enforcer::Trial trial, trials_.run(plan, dress));
    return enforcer::judge(trial.status, trial.report, trial.evidence,
                           trial.apparmor, bundle_->policy, capabilities,
                           *recorded_);
  }

 private:
  const Asked* asked_;
  const repository::Bundle* bundle_;
  const evidence::Evidence* recorded_;
  enforcer::Choice choice_;
  enforcer::Trials trials_;
};

Exit exit_of(Environment& environment, const Judgement& judgement) {
  if (!judgement.proven() && judgement.failures.empty()) {
    environment.output.err(
        "vambrace verify: nothing ran under the policy\n"
        "hint: the command must start the workload itself; --workload names "
        "it\n");
    return Exit::Environment;
  }
  return judgement.holds() ? Exit::Clean : Exit::Findings;
}

// Nothing is tried: what would be proven is not what people reviewed.
Exit not_as_rendered(Environment& environment, const Asked& asked,
                     const Chosen& chosen) {
  const Judgement judgement{
      .failures = edited_files(asked.choice.directory, chosen.dress.edited)};
  json::Value document = to_json(judgement);
  document["schema"] = "vambrace.verification/v1";
  environment.output.out(asked.json ? json::print(document)
                                    : as_text(judgement));
  environment.output.err(fmt::format("hint: {}\n", edited_hint(chosen.bundle)));
  return Exit::Findings;
}

}  // namespace

Result<Exit> verify(Environment& environment, Words words) {
  Asked asked;
  TRY(parse(environment, words, asked));
  TRY_ASSIGN(const Chosen chosen, choose(environment, asked.choice));
  const enforcer::Dress& dress = chosen.dress;
  TRY_ASSIGN(const evidence::Evidence recorded,
             repository::load_bundle_evidence(environment.files,
                                              asked.choice.directory));
  if (!dress.edited.empty()) {
    return not_as_rendered(environment, asked, chosen);
  }
  warn_of_lapsed(environment, dress);
  const std::set<std::uint32_t> granted(dress.armour.capabilities.begin(),
                                        dress.armour.capabilities.end());
  Verification verification(asked, chosen.bundle, recorded, chosen.choice);
  TRY_ASSIGN(const Judgement judgement, verification.with(granted, granted));

  json::Value document = to_json(judgement);
  document["schema"] = "vambrace.verification/v1";
  std::string text = as_text(judgement);
  Exit exit = exit_of(environment, judgement);
  if (asked.minimize && exit == Exit::Clean) {
    TRY_ASSIGN(const enforcer::Minimum minimum,
               enforcer::minimize(granted, [&](const auto& wanted) {
                 return verification.with(granted, wanted);
               }));
    document["minimize"] = to_json(minimum);
    text += as_text(minimum);
    exit = minimum.whole.holds() ? Exit::Clean : Exit::Findings;
  }
  environment.output.out(asked.json ? json::print(document) : text);
  return exit;
}

}  // namespace vambrace::cli
