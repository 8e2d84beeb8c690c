#include "policy/mounts.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/syscalls.h"
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

bool holds(const auto& words, std::string_view word) {
  return std::ranges::find(words, word) != std::end(words);
}

constexpr std::array<std::string_view, 8> kPropagation = {
    "private",     "rprivate", "rshared", "rslave",
    "runbindable", "shared",   "slave",   "unbindable"};
constexpr std::array<std::string_view, 2> kBind = {"bind", "rbind"};

constexpr std::size_t kMaxType = 31;
constexpr std::size_t kMaxRules = 300;
constexpr std::size_t kMaxTold = 5;

bool is_propagation(std::string_view option) {
  return holds(kPropagation, option);
}

// Of a mount or a remount: read-only or not, and nothing about binding.
bool are_flags(const MountRule& rule) {
  const auto has = [&](std::string_view word) {
    return holds(rule.options, word);
  };
  return has("ro") != has("rw") &&
         std::ranges::none_of(rule.options, is_propagation) &&
         !(rule.operation == "mount" && (has("bind") || has("rbind")));
}

// As the kernel names file systems; others do not exist.
bool is_type(std::string_view text) {
  return text.size() <= kMaxType && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
                  c == '+';
         });
}

using ByProgram = std::map<std::string, std::set<std::string>>;

void tell_mounts(const ByProgram& mounts, const char* id, const char* severity,
                 const char* why, const char* hint, Policy& policy) {
  for (const auto& [program, all] : mounts) {
    const std::vector<std::string> some(
        all.begin(),
        std::next(all.begin(),
                  static_cast<std::ptrdiff_t>(std::min(all.size(), kMaxTold))));
    policy.findings.push_back(
        {id, severity, place_of("mounts", program),
         fmt::format("{}{}: {}", fmt::join(some, "; "),
                     all.size() > kMaxTold
                         ? fmt::format(" and {} more", all.size() - kMaxTold)
                         : "",
                     why),
         hint});
  }
}

}  // namespace

bool has_mounted(const evidence::Process& process) {
  constexpr std::array<std::string_view, 6> kMounting = {
      "mount",      "mount_setattr", "move_mount",
      "pivot_root", "umount",        "umount2"};
  return std::ranges::any_of(
      process.syscalls, [&](const evidence::SyscallFact& fact) {
        const auto name = kernel::syscall_name(fact.syscall);
        return name && holds(kMounting, *name) && succeeded(fact, {}) > 0;
      });
}

bool is_exact(const MountRule& rule) {
  if (!rule.target.starts_with('/') ||
      (!rule.fstype.empty() && rule.operation != "mount")) {
    return false;
  }
  if (rule.operation == "mount") {
    return !rule.fstype.empty() && are_flags(rule);
  }
  if (rule.operation == "remount") {
    return are_flags(rule);
  }
  if (rule.operation == "bind") {
    return rule.source.starts_with('/') && rule.options.size() == 1 &&
           holds(kBind, rule.options[0]);
  }
  if (rule.operation == "propagation") {
    return std::ranges::any_of(rule.options, is_propagation) &&
           std::ranges::all_of(rule.options, [](const std::string& option) {
             return option == "silent" || is_propagation(option);
           });
  }
  const bool from = rule.operation == "move" || rule.operation == "pivot_root";
  return (from || rule.operation == "umount") && rule.options.empty() &&
         (!from || rule.source.starts_with('/'));
}

std::optional<MountRule> mount_rule(const evidence::MountFact& fact) {
  // apparmor_parser makes one slash of two, but at the begin; a path has none.
  if (!fact.source || !fact.target ||
      fact.source->find("//", 1) != fact.source->npos ||
      fact.target->contains("//") || !is_type(fact.fstype) ||
      !std::ranges::all_of(fact.options, has_word)) {
    return std::nullopt;
  }
  MountRule rule{.program = {},
                 .operation = fact.operation,
                 .fstype = fact.fstype,
                 .options = fact.options,
                 .source = apparmor::pattern_of(*fact.source),
                 .target = apparmor::pattern_of(*fact.target),
                 .reasons = {}};
  return is_exact(rule) ? std::optional(std::move(rule)) : std::nullopt;
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
  ByProgram untold;
  ByProgram refused;
  for (const evidence::Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    const bool mounted = has_mounted(process);
    for (const evidence::MountFact& fact : process.mounts) {
      const evidence::Share share = evidence::total(fact.by);
      if (share.count == 0) {
        continue;
      }
      auto rule = mount_rule(fact);
      if (!rule || !mounted) {
        auto& told = mounted ? untold : refused;
        told[programs.of(process.key.exe)].insert(describe(fact));
        continue;
      }
      rule->program = programs.of(process.key.exe);
      drafts[*rule].add(Cause::Observed, process.key, share);
    }
  }
  policy.mounts = finished(drafts);
  if (policy.mounts.size() > kMaxRules) {
    policy.findings.push_back(
        {"mounts-many", "high", "mounts",
         fmt::format("{} different mounts were seen, and {} have a rule",
                     policy.mounts.size(), kMaxRules),
         "mount before the workload starts"});
    policy.mounts.resize(kMaxRules);
  }
  tell_mounts(untold, "mount-untold", "high",
              "no rule can tell it, so none allows it",
              "mount before the workload starts", policy);
  tell_mounts(
      refused, "mount-refused", "medium",
      "asked for, and no call of the program that mounts succeeded: no rule "
      "allows it",
      "find out why the workload tries it", policy);
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
