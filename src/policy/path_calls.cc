#include "policy/path_calls.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/json.h"
#include "policy/programs.h"
#include "policy/reasons.h"
#include "policy/unplaced.h"

namespace vambrace::policy {
namespace {

// Those that AppArmor asks about by path, and those it asks about as mounts
// (security/apparmor/lsm.c).
constexpr std::array<std::string_view, 25> kPathCalls = {
    "bind",      "chmod",    "chown",      "chown32",  "fchmodat",
    "fchmodat2", "fchownat", "lchown",     "lchown32", "link",
    "linkat",    "mkdir",    "mkdirat",    "mknod",    "mknodat",
    "rename",    "renameat", "renameat2",  "rmdir",    "symlink",
    "symlinkat", "truncate", "truncate64", "unlink",   "unlinkat"};
constexpr std::array<std::string_view, 5> kMountCalls = {
    "mount", "move_mount", "pivot_root", "umount", "umount2"};
constexpr std::array<std::string_view, 3> kTraceCalls = {
    "process_vm_readv", "process_vm_writev", "ptrace"};

// These look into a process, too, but their exits do not tell which: only a
// hook does.
constexpr std::array<std::string_view, 5> kLookCalls = {
    "get_robust_list", "kcmp", "perf_event_open", "pidfd_getfd",
    "process_madvise"};

enum class Kind : std::uint8_t { Path, Mount, Trace, Look };

template <std::size_t N>
bool in(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::optional<Kind> kind_of(std::string_view name) {
  return in(kPathCalls, name)    ? std::optional(Kind::Path)
         : in(kMountCalls, name) ? std::optional(Kind::Mount)
         : in(kTraceCalls, name) ? std::optional(Kind::Trace)
         : in(kLookCalls, name)  ? std::optional(Kind::Look)
                                 : std::nullopt;
}

// A socket with a name in the file system is a file that is made.
bool binds_to_a_path(const evidence::Process& process) {
  return std::ranges::any_of(
      process.network, [](const evidence::NetworkFact& fact) {
        return fact.operation == "bind" && fact.address == "unix";
      });
}

Finding finding(Kind kind, const std::string& program,
                const std::set<std::string>& names) {
  const std::string calls = fmt::format("{}", fmt::join(names, ", "));
  const std::string place =
      program.empty() ? "files" : "files: " + json::quote_bytes(program);
  switch (kind) {
    case Kind::Path:
      return {"paths-unknown", "high", place,
              fmt::format("{}: which paths was not recorded, so no rule allows "
                          "what they did",
                          calls),
              "add the paths as decisions, \"file PATTERN w\", in bundle.yaml"};
    case Kind::Mount:
      return {"mounts-unknown", "high", place,
              fmt::format("{}: what was mounted where was not recorded, so no "
                          "rule allows it",
                          calls),
              "record again, or mount before the workload starts"};
    case Kind::Look:
      return {
          "looks-unknown", "low", place,
          fmt::format("{}: whether other processes were looked into was not "
                      "recorded, so no rule allows it",
                      calls),
          "record on a kernel whose security modules call us (see record "
          "--file-probe)"};
    case Kind::Trace:
      break;
  }
  return {"traced-unknown", "low", place,
          fmt::format("{}: which processes were looked into was not recorded; "
                      "rules allow it among the workload's own programs",
                      calls),
          "record again, or leave debuggers out of the workload"};
}

std::set<std::string> recordings_by_hooks(const evidence::Evidence& evidence) {
  std::set<std::string> ids;
  for (const evidence::Recording& recording : evidence.recordings) {
    const auto probe =
        recording.probes.find(std::string(evidence::kTraceProbe));
    if (probe != recording.probes.end() && probe->second.starts_with("lsm/")) {
      ids.insert(recording.id);
    }
  }
  return ids;
}

}  // namespace

void add_path_calls(const evidence::Evidence& evidence, Policy& policy) {
  const std::map<Kind, std::set<std::string>> watched = {
      {Kind::Path, recordings_with(evidence, evidence::kPathProbe)},
      {Kind::Mount, recordings_with(evidence, evidence::kMountProbe)},
      {Kind::Trace, recordings_with(evidence, evidence::kTraceProbe)},
      {Kind::Look, recordings_by_hooks(evidence)}};
  const Programs programs(evidence);
  std::map<std::pair<Kind, std::string>, std::set<std::string>> calls;
  for (const evidence::Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    const bool binds_paths = binds_to_a_path(process);
    for (const evidence::SyscallFact& fact : process.syscalls) {
      const auto name = kernel::syscall_name(fact.syscall);
      const auto kind = name ? kind_of(*name) : std::nullopt;
      if (name == "bind" && !binds_paths) {
        continue;
      }
      if (kind && succeeded(fact, watched.at(*kind)) > 0) {
        calls[{*kind, programs.of(process.key.exe)}].emplace(*name);
      }
    }
  }
  for (const auto& [of, names] : calls) {
    policy.findings.push_back(finding(of.first, of.second, names));
  }
}

}  // namespace vambrace::policy
