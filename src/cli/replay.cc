#include "policy/replay.h"

#include <algorithm>

#include "base/json.h"
#include "cli/bundle_words.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/enforcement.h"
#include "cli/evidence_files.h"
#include "cli/options.h"
#include "evidence/time.h"
#include "kernel/capabilities.h"
#include "repository/compose.h"

namespace vambrace::cli {
namespace {

using policy::WouldBeDenial;

std::string line(std::string_view word, const WouldBeDenial& denial) {
  std::string phases;
  for (const std::string& phase : denial.phases) {
    phases += (phases.empty() ? " in " : ", ") + json::quote_bytes(phase);
  }
  return fmt::format(
      "{}: {} by {}{}, {} times: {}{}\n", word, policy::describe(denial),
      process_text(denial.process), phases, denial.count,
      outcome_text(denial.outcome),
      denial.doubt.empty() ? "" : fmt::format(" ({})", denial.doubt));
}

// What `explain` can be asked about it.
std::string question(const WouldBeDenial& denial) {
  if (denial.syscall) {
    return kernel::syscall_label(*denial.syscall);
  }
  if (!denial.path.empty()) {
    return json::quote_bytes(denial.path);
  }
  if (!denial.signal.empty()) {
    return "signal " + denial.signal;
  }
  if (!denial.socket.empty()) {
    return denial.socket == "any" ? "socket" : "network " + denial.socket;
  }
  if (!denial.mount.empty() || !denial.trace.empty()) {
    return denial.trace.empty() ? "mount" : "ptrace";
  }
  return std::string(
      kernel::capability_name(denial.capability).value_or("WHAT"));
}

bool is_capability(const WouldBeDenial& denial) {
  return !denial.syscall && denial.path.empty() && denial.socket.empty() &&
         denial.signal.empty() && denial.mount.empty() && denial.trace.empty();
}

std::string text_of(const std::string& directory,
                    const repository::Bundle& bundle,
                    const evidence::Evidence& evidence,
                    const policy::Replay& result,
                    const std::vector<std::string>& findings) {
  std::string text;
  for (const std::string& finding : findings) {
    text += fmt::format("finding: {}\n  {}\n", finding, edited_hint(bundle));
  }
  for (const WouldBeDenial& denial : result.denials) {
    text += line("denied", denial);
  }
  for (const WouldBeDenial& denial : result.expected) {
    text += line("expected", denial);
  }
  // A version control system makes hundreds.
  constexpr std::size_t kUnknownShown = 3;
  const std::size_t shown = std::min(result.unknown.size(), kUnknownShown);
  for (std::size_t i = 0; i < shown; ++i) {
    text += line("unknown", result.unknown[i]);
  }
  if (shown < result.unknown.size()) {
    text += fmt::format("unknown: {} more; see them with --json\n",
                        counted(result.unknown.size() - shown, "link"));
  }
  text += fmt::format("{}: {} of {} against {} for {}: ", directory,
                      counted(result.facts, "fact"),
                      counted(evidence.recordings.size(), "recording"),
                      policy::to_string(bundle.manifest.stage),
                      bundle.manifest.target.name);
  if (result.denials.empty()) {
    text += "nothing would be denied";
    if (!result.expected.empty()) {
      text +=
          fmt::format(", {} refusals are as before", result.expected.size());
    }
    if (!result.unknown.empty()) {
      text += fmt::format(", of {} it is unknown",
                          counted(result.unknown.size(), "link"));
    }
    text += "\n";
    if (!findings.empty()) {
      return text;
    }
    return text +
           fmt::format("next: vambrace verify {} -- COMMAND\n", directory);
  }
  text += fmt::format("{} would be denied\n", result.denials.size());
  return text + fmt::format("next: vambrace explain {} {}\n", directory,
                            question(result.denials.front()));
}

json::Value json_of(const std::vector<WouldBeDenial>& denials) {
  json::Value list = json::Value::array();
  for (const WouldBeDenial& denial : denials) {
    json::Value one = {
        {"layer", denial.syscall          ? "seccomp"
                  : is_capability(denial) ? "capabilities"
                                          : "apparmor"},
        {"what", policy::describe(denial)},
        {"arguments", json::quote_bytes(denial.arguments)},
        {"exe", json::quote_bytes(denial.process.exe)},
        {"script", json::quote_bytes(denial.process.script)},
        {"origin", std::string(evidence::to_string(denial.process.origin))},
        {"count", denial.count},
        {"outcome", policy::seccomp::to_string(denial.outcome)},
        {"doubt", denial.doubt},
    };
    one["phases"] = json::Value::array();
    for (const std::string& phase : denial.phases) {
      one["phases"].push_back(json::quote_bytes(phase));
    }
    if (denial.syscall) {
      one["arch"] = std::string(kernel::to_string(denial.syscall->arch));
      one["nr"] = denial.syscall->nr;
      one["name"] = kernel::syscall_label(*denial.syscall);
    } else if (!denial.path.empty()) {
      one["path"] = json::quote_bytes(denial.path);
      one["access"] = denial.access;
    } else if (!denial.socket.empty()) {
      one["socket"] = denial.socket;
    } else if (!denial.signal.empty()) {
      one["signal"] = denial.signal;
      one["outside"] = denial.outside;
    } else if (!denial.mount.empty()) {
      one["mount"] = denial.mount;
    } else if (!denial.trace.empty()) {
      one["ptrace"] = denial.trace;
    } else {
      one["name"] =
          std::string(kernel::capability_name(denial.capability).value_or(""));
    }
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

Result<Exit> replay(Environment& environment, Words words) {
  std::string directory;
  std::vector<std::string> files;
  bool as_json = false;
  Options options;
  options.word("DIR", directory, "the bundle folder");
  options.words("EVIDENCE", files,
                "evidence files; none: those that the bundle holds");
  options.json(as_json);
  TRY(options.parse(environment, words));

  TRY_ASSIGN(const Loaded bundle, load(environment.files, directory));
  TRY_ASSIGN(const evidence::Evidence evidence,
             files.empty() ? repository::load_bundle_evidence(environment.files,
                                                              directory)
                           : read_merged(environment.files, files));
  TRY_ASSIGN(const policy::Replay result,
             during(directory, policy::replay(evidence, bundle.rendering())));
  TRY_ASSIGN(
      const std::vector<std::string> edited,
      repository::edited_layers(
          bundle, evidence::format_time(environment.now()).substr(0, 10)));
  std::vector<std::string> findings = edited_files(directory, edited);
  if (auto left = interrupted(bundle)) {
    findings.push_back(std::move(*left));
  }
  environment.output.out(
      as_json ? json::print({{"schema", "vambrace.replay/v1"},
                             {"bundle", json::quote_bytes(directory)},
                             {"target", bundle.manifest.target.name},
                             {"stage", std::string(policy::to_string(
                                           bundle.manifest.stage))},
                             {"recordings", evidence.recordings.size()},
                             {"facts", result.facts},
                             {"denials", json_of(result.denials)},
                             {"expected", json_of(result.expected)},
                             {"unknown", json_of(result.unknown)},
                             {"findings", findings}})
              : text_of(directory, bundle, evidence, result, findings));
  return result.denials.empty() && findings.empty() ? Exit::Clean
                                                    : Exit::Findings;
}

}  // namespace vambrace::cli
