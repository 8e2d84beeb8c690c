#include "policy/mounts.h"

#include <algorithm>
#include <array>
#include <set>

#include "policy/apparmor/quote.h"
#include "policy/drafts.h"
#include "policy/programs.h"
#include "policy/unplaced.h"

namespace vambrace::policy {
namespace {

// What apparmor_parser 3.0.8 takes for an option (parser/mount.cc), of the
// words that evidence has.
constexpr std::array<std::string_view, 26> kMountOptions = {
    "acl",       "bind",    "dirsync",    "iversion",    "mand",
    "noatime",   "nodev",   "nodiratime", "noexec",      "nosuid",
    "nouser",    "private", "rbind",      "relatime",    "ro",
    "rprivate",  "rshared", "rslave",     "runbindable", "rw",
    "shared",    "silent",  "slave",      "strictatime", "sync",
    "unbindable"};

bool has_word(const std::string& option) {
  return std::ranges::binary_search(kMountOptions, option);
}

// As the kernel names file systems; others do not exist.
bool is_type(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
           c == '+';
  });
}

}  // namespace

std::optional<MountRule> mount_rule(const evidence::MountFact& fact) {
  const bool typed = !fact.fstype.empty() || fact.operation != "mount";
  if (!fact.source || !fact.target || !fact.target->starts_with('/') ||
      !typed || !is_type(fact.fstype) ||
      !std::ranges::all_of(fact.options, has_word)) {
    return std::nullopt;
  }
  return MountRule{.program = {},
                   .operation = fact.operation,
                   .fstype = fact.fstype,
                   .options = fact.options,
                   .source = apparmor::pattern_of(*fact.source),
                   .target = apparmor::pattern_of(*fact.target),
                   .reasons = {}};
}

std::string describe(const MountRule& rule) {
  return place_of(describe(evidence::MountFact{.operation = rule.operation,
                                               .fstype = rule.fstype,
                                               .options = rule.options,
                                               .source = rule.source,
                                               .target = rule.target,
                                               .by = {}}),
                  rule.program);
}

std::string describe(const TraceRule& rule) {
  const bool inside = rule.other == evidence::Side::Program;
  return place_of(inside && rule.peer.empty()
                      ? rule.access + " the main program"
                      : describe(evidence::TraceFact{.access = rule.access,
                                                     .other = rule.other,
                                                     .exe = rule.peer,
                                                     .by = {}}),
                  rule.program);
}

void add_mounts(const evidence::Evidence& evidence, Policy& policy) {
  const Programs programs(evidence);
  Drafts<MountRule> drafts;
  std::map<std::string, std::set<std::string>> untold;
  for (const evidence::Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    for (const evidence::MountFact& fact : process.mounts) {
      const evidence::Share share = evidence::total(fact.by);
      if (share.count == 0) {
        continue;
      }
      auto rule = mount_rule(fact);
      if (!rule) {
        untold[programs.of(process.key.exe)].insert(describe(fact));
        continue;
      }
      rule->program = programs.of(process.key.exe);
      drafts[*rule].add(Cause::Observed, process.key, share);
    }
  }
  policy.mounts = finished(drafts);
  for (const auto& [program, what] : untold) {
    policy.findings.push_back(
        {"mount-untold", "high", place_of("mounts", program),
         fmt::format("{}: no rule can tell it, so none allows it",
                     fmt::join(what, "; ")),
         "mount before the workload starts"});
  }
}

void add_traces(const evidence::Evidence& evidence, Policy& policy) {
  const Programs programs(evidence);
  Drafts<TraceRule> drafts;
  std::map<std::string, std::set<std::string>> outside;
  for (const evidence::Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    const std::string program = programs.of(process.key.exe);
    for (const evidence::TraceFact& fact : process.traces) {
      const evidence::Share share = evidence::total(fact.by);
      if (share.count == 0) {
        continue;
      }
      if (fact.other == evidence::Side::Outside) {
        outside[program].insert(fact.access);
      }
      // A program that does not count came in from outside, where it gets the
      // main program's profile.
      drafts[{.program = program,
              .access = fact.access,
              .other = fact.other,
              .peer = programs.known(fact.exe) ? programs.of(fact.exe) : "",
              .reasons = {}}]
          .add(Cause::Observed, process.key, share);
    }
  }
  policy.traces = finished(drafts);
  policy.traces_known =
      !evidence.recordings.empty() &&
      recordings_with(evidence, evidence::kTraceProbe).size() ==
          evidence.recordings.size();
  for (const auto& [program, accesses] : outside) {
    policy.findings.push_back(
        {"traces-outside", accesses.contains("trace") ? "high" : "medium",
         place_of("traces", program),
         fmt::format("looked into processes that are not the workload's ({}): "
                     "it may do so with every process that is not confined",
                     fmt::join(accesses, ", ")),
         "run it apart from them, in a namespace of processes of its own"});
  }
}

}  // namespace vambrace::policy
