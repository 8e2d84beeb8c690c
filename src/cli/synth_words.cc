#include "cli/synth_words.h"

#include <algorithm>
#include <map>
#include <set>

#include "cli/columns.h"
#include "cli/context_words.h"
#include "evidence/gaps.h"
#include "kernel/capabilities.h"
#include "policy/json.h"

namespace vambrace::cli {
namespace {

std::size_t rules_with_arguments(const policy::Policy& policy) {
  return static_cast<std::size_t>(std::ranges::count_if(
      policy.syscalls, [](const auto& rule) { return !rule.args.empty(); }));
}

std::size_t table_size(const policy::Policy& policy) {
  std::size_t size = 0;
  for (const kernel::Arch arch : policy.arches) {
    size += kernel::syscall_numbers(arch).size();
  }
  return size;
}

std::string names(const std::set<std::uint32_t>& capabilities) {
  std::string text;
  for (const std::uint32_t number : capabilities) {
    text += (text.empty() ? "" : ", ") +
            std::string(*kernel::capability_name(number));
  }
  return text.empty() ? "none" : text;
}

// How many rules each kind of generalization is in.
std::map<std::string, std::size_t> widened(const policy::Policy& policy) {
  std::map<std::string, std::size_t> kinds;
  for (const policy::FileRule& rule : policy.files) {
    std::set<std::string> of_rule;
    for (const policy::Widening& widening : rule.widened) {
      of_rule.insert(widening.kind);
    }
    for (const std::string& kind : of_rule) {
      ++kinds[kind];
    }
  }
  return kinds;
}

std::string apparmor_line(const repository::Composition& made) {
  if (!made.apparmor.profile) {
    return "none: no file is in the evidence";
  }
  std::string text =
      fmt::format("{}: {}", made.apparmor.profile->name,
                  counted(made.policy.files.size(), "file rule"));
  const auto kinds = widened(made.policy);
  for (const auto& [kind, rules] : kinds) {
    text += fmt::format(
        "{}{} {}",
        kind == kinds.begin()->first ? ", wider than what was seen: " : ", ",
        kind, rules);
  }
  const auto& included = made.apparmor.included;
  return included.empty() ? text
                          : fmt::format("{}; some by include of {}", text,
                                        fmt::join(included, ", "));
}

std::string evidence_line(const policy::Policy& policy) {
  const std::string state(evidence::to_string(policy.evidence_state));
  if (policy.evidence_state == evidence::State::Complete) {
    return state;
  }
  return fmt::format("{} ({}): calls may be missing", state,
                     fmt::join(policy.gaps, ", "));
}

// What a container needs beside the profile, so that it starts at all: with
// another no_new_privs the runtime makes other calls under the filter.
std::string start_line(const SynthOutcome& outcome) {
  const runtime::Target& target = outcome.manifest.target;
  const bool podman = target.engine == runtime::Engine::Podman;
  if (!podman && target.engine != runtime::Engine::Docker) {
    return "";
  }
  std::string text = fmt::format(
      "  start with    {} run --security-opt seccomp={}/seccomp.json",
      podman ? "podman" : "docker", outcome.output);
  if (target.no_new_privs) {
    text += " --security-opt no-new-privileges";
  }
  const std::string& profile = outcome.made.context.apparmor;
  if (!profile.empty()) {
    text += fmt::format(" --security-opt apparmor={}", profile);
  }
  text += " --cap-drop ALL";
  for (const std::uint32_t number : outcome.made.capabilities.add) {
    text += fmt::format(" --cap-add {}",
                        kernel::capability_name(number)->substr(4));
  }
  text += " ...\n";
  if (!profile.empty()) {
    text += fmt::format("    once loaded   vambrace apparmor load {}\n",
                        outcome.output);
  }
  return text;
}

// All names, but of evidence the number where there are many.
std::string files_text(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 4;
  std::vector<std::string> evidence;
  std::vector<std::string> others;
  for (const std::string& name : names) {
    (name.starts_with("evidence/") ? evidence : others).push_back(name);
  }
  if (evidence.size() <= kNamed) {
    return fmt::format("{}", fmt::join(names, ", "));
  }
  others.push_back(fmt::format("{} in evidence/", evidence.size()));
  return fmt::format("{}", fmt::join(others, ", "));
}

}  // namespace

std::string synth_text(const SynthOutcome& outcome) {
  const auto& [output, manifest, made, findings, written, layer] = outcome;
  std::string text = fmt::format(
      "{}: {} at stage {} for {}\n"
      "  system calls  {} of {} in the kernel's table{}, {} with argument "
      "rules\n"
      "  capabilities  {}\n",
      output, json::quote_bytes(manifest.workload.id),
      policy::to_string(manifest.stage), manifest.target.name,
      made.policy.syscalls.size(), table_size(made.policy),
      made.policy.arches.size() == 1 ? "" : "s",
      rules_with_arguments(made.policy), names(made.capabilities.add));
  text += fmt::format("  apparmor      {}\n", apparmor_line(made));
  if (!made.capabilities.refused.empty()) {
    text += fmt::format("  refused       {} (each needs a waiver)\n",
                        names(made.capabilities.refused));
  }
  text += fmt::format("  container     {}\n", context_line(made.context));
  text += fmt::format("  evidence      {}\n", evidence_line(made.policy));
  for (const std::string& gap : made.policy.gaps) {
    text += fmt::format("                {}: {}\n", gap, evidence::advice(gap));
  }
  if (!layer.empty()) {
    text += fmt::format("  runtime       calls as calibrated in {}\n",
                        json::quote_bytes(layer));
  }
  text += fmt::format(
      "  files         {}\n",
      written.empty()
          ? "unchanged"
          : fmt::format("{} written: {}", written.size(), files_text(written)));
  text += fmt::format("  findings      {}\n", findings.size());
  for (const policy::Finding& finding : findings) {
    text += fmt::format("    {}: {}: {}\n", finding.severity, finding.place,
                        finding.message);
    if (!finding.hint.empty()) {
      text += fmt::format("      {}\n", finding.hint);
    }
  }
  text += start_line(outcome);
  text += fmt::format("next: vambrace replay {}\n", output);
  return text;
}

json::Value synth_json(const SynthOutcome& outcome) {
  const auto& [output, manifest, made, findings, written, layer] = outcome;
  json::Value remarks = json::Value::array();
  for (const policy::Finding& finding : findings) {
    remarks.push_back(policy::to_json(finding));
  }
  const auto list = [](const std::set<std::uint32_t>& capabilities) {
    json::Value names = json::Value::array();
    for (const std::uint32_t number : capabilities) {
      names.push_back(std::string(*kernel::capability_name(number)));
    }
    return names;
  };
  return {
      {"schema", "vambrace.synth/v1"},
      {"bundle", json::quote_bytes(output)},
      {"target", manifest.target.name},
      {"stage", std::string(policy::to_string(manifest.stage))},
      {"evidence",
       {{"state", std::string(evidence::to_string(made.policy.evidence_state))},
        {"gaps", made.policy.gaps}}},
      {"syscalls", made.policy.syscalls.size()},
      {"kernel_syscalls", table_size(made.policy)},
      {"with_arguments", rules_with_arguments(made.policy)},
      {"capabilities", list(made.capabilities.add)},
      {"capabilities_refused", list(made.capabilities.refused)},
      {"apparmor",
       {{"profile", made.apparmor.profile
                        ? json::Value(made.apparmor.profile->name)
                        : json::Value()},
        {"file_rules", made.policy.files.size()},
        {"included", made.apparmor.included},
        {"widened", widened(made.policy)}}},
      {"layer", json::quote_bytes(layer)},
      {"container", context_json(made.context)},
      {"findings", remarks},
      {"written", written},
  };
}

}  // namespace vambrace::cli
