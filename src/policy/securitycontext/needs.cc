#include "policy/securitycontext/needs.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "policy/reasons.h"
#include "policy/securitycontext/paths.h"
#include "policy/securitycontext/writable.h"
#include "policy/unplaced.h"

namespace vambrace::policy::securitycontext {
namespace {

using evidence::Evidence;
using evidence::FileFact;
using evidence::Origin;
using evidence::Process;

bool has(const FileFact& fact, std::string_view letters) {
  return fact.access.find_first_of(letters) != std::string::npos;
}

// By convention these are empty in an image, and the names in them are of one
// run.
std::string_view scratch_or(std::string_view folder) {
  for (const std::string_view scratch : {"/tmp", "/var/tmp"}) {
    if (is_below(folder, scratch)) {
      return scratch;
    }
  }
  return folder;
}

// The folder whose file system must be writable for this access. None for what
// needs none: reading, and locks, which are taken on files opened before.
std::optional<std::string_view> written_by(const FileFact& fact) {
  if (has(fact, "ki") || !has(fact, "acdlopw") ||
      place_of(fact.path) != Place::Root) {
    return std::nullopt;
  }
  const std::string_view path = bare(fact.path);
  const bool entry = !is_folder(fact.path) || has(fact, "cdl");
  return scratch_or(entry ? parent_of(path) : path);
}

// The mount that a path lies below in each of the recordings that saw it.
std::optional<std::string> mount_of(const Evidence& evidence,
                                    const FileFact& fact) {
  std::optional<std::string> common;
  for (const evidence::Recording& recording : evidence.recordings) {
    if (!fact.by.contains(recording.id)) {
      continue;
    }
    const auto found =
        std::ranges::find_if(recording.mounts, [&](const std::string& mount) {
          return bare(fact.path) == mount || is_below(fact.path, mount);
        });
    if (found == recording.mounts.end() || (common && *common != *found)) {
      return std::nullopt;
    }
    common = *found;
  }
  return common;
}

// All processes that count, as one.
struct Seen {
  Writes writes;
  std::set<std::string> mounted;
};

Reasons& reasons_of(Seen& seen, std::string_view folder) {
  auto& folders = seen.writes.folders;
  const auto found = folders.find(folder);
  return found != folders.end() ? found->second : folders[std::string(folder)];
}

// Below the same mount in every recording.
std::optional<std::string> mount_of(const Evidence& evidence,
                                    const Added& added) {
  FileFact everywhere{.path = added.path};
  for (const evidence::Recording& recording : evidence.recordings) {
    everywhere.by[recording.id];
  }
  return mount_of(evidence, everywhere);
}

void add(Seen& seen, const Evidence& evidence, const Added& added) {
  // What is locked, too, is a fact of its own in evidence.
  FileFact fact{.path = added.path, .access = added.access};
  std::erase(fact.access, 'k');
  const auto folder = written_by(fact);
  const auto mount = folder ? mount_of(evidence, added) : std::nullopt;
  if (mount) {
    seen.mounted.insert(*mount);
  } else if (folder) {
    for (const Reason& reason : added.reasons) {
      reasons_of(seen, *folder).add(reason);
    }
  }
}

Seen look(const Evidence& evidence) {
  Seen seen;
  for (const Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    for (const FileFact& fact : process.files) {
      const auto folder = written_by(fact);
      const auto mount = folder ? mount_of(evidence, fact) : std::nullopt;
      if (mount) {
        seen.mounted.insert(*mount);
      } else if (folder) {
        reasons_of(seen, *folder)
            .add(Cause::Observed, process.key, evidence::total(fact.by));
      }
      if (has(fact, "cl")) {
        seen.writes.made.insert(bare(fact.path));
      }
      if (has(fact, "d")) {
        seen.writes.removed.insert(bare(fact.path));
      }
      if (has(fact, "mx")) {
        seen.writes.executed.insert(fact.path);
      }
    }
  }
  return seen;
}

// The first program of a container, or of a workload on a host: nothing of the
// workload has started it. What it ends its execs with may be another one.
bool is_first(const Evidence& evidence, const Process& process) {
  return process.key.origin != Origin::Probe &&
         std::ranges::none_of(evidence.processes, [&](const Process& other) {
           return counts(other.key.origin) &&
                  other.key.exe == process.key.parent;
         });
}

// The calls that change a folder and give no descriptor of it.
constexpr std::array kByPath = {"link",    "linkat",    "mkdir",  "mkdirat",
                                "mknod",   "mknodat",   "rename", "renameat",
                                "rmdir",   "renameat2", "unlink", "unlinkat",
                                "symlink", "symlinkat"};

// Recordings that tell where such calls did it: they say so, or have facts that
// come from nothing else.
std::set<std::string> telling(const Evidence& evidence) {
  std::set<std::string> ids = recordings_with(evidence, evidence::kPathProbe);
  for (const Process& process : evidence.processes) {
    for (const FileFact& fact : process.files) {
      if (has(fact, "dl") || (is_folder(fact.path) && has(fact, "c"))) {
        for (const auto& [recording, share] : fact.by) {
          ids.insert(recording);
        }
      }
    }
  }
  return ids;
}

// Of recordings that disagree none is told.
void add_owners(const Evidence& evidence, std::vector<WritableNeed>& needs) {
  std::map<std::string_view, std::set<FolderOwner>> said;
  for (const evidence::Recording& recording : evidence.recordings) {
    for (const evidence::OwnedFolder& one : recording.owners) {
      said[one.path].insert({one.uid, one.gid, one.mode});
    }
  }
  for (WritableNeed& need : needs) {
    const auto found = said.find(need.folder);
    if (found != said.end() && found->second.size() == 1) {
      need.owner = *found->second.begin();
    }
  }
}

// The calls that need a file system to be writable and become no facts.
constexpr std::array kWithoutPlace = {
    "fremovexattr", "fsetxattr",   "futimesat",     "lremovexattr",
    "lsetxattr",    "removexattr", "removexattrat", "setxattr",
    "setxattrat",   "utime",       "utimensat",     "utimensat_time64",
    "utimes"};

template <std::size_t kSize>
bool holds(const std::array<const char*, kSize>& calls, std::string_view name) {
  return std::ranges::find(calls, name) != calls.end();
}

std::set<std::string> unseen_calls(const Evidence& evidence) {
  const std::set<std::string> told = telling(evidence);
  std::set<std::string> calls;
  for (const Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    for (const evidence::SyscallFact& fact : process.syscalls) {
      const auto name = kernel::syscall_name(fact.syscall);
      if (name && ((holds(kByPath, *name) && succeeded(fact, told) > 0) ||
                   (holds(kWithoutPlace, *name) && succeeded(fact, {}) > 0))) {
        calls.emplace(*name);
      }
    }
  }
  return calls;
}

bool files_known(const Evidence& evidence) {
  const bool some = std::ranges::any_of(
      evidence.processes,
      [](const Process& process) { return !process.files.empty(); });
  return some &&
         std::ranges::none_of(evidence.recordings, [](const auto& recording) {
           return std::ranges::any_of(
               recording.verdict.gaps,
               [](const auto& gap) { return gap.kind == "no_exit_probe"; });
         });
}

}  // namespace

Place place_of(std::string_view path) {
  if (!path.starts_with('/')) {
    return Place::Nowhere;
  }
  for (const std::string_view own : {"/proc", "/sys", "/dev"}) {
    if (path == own || is_below(path, own)) {
      return Place::Engine;
    }
  }
  return Place::Root;
}

Needs needs_of(const Evidence& evidence, std::span<const Added> added) {
  Needs needs{.files_known = files_known(evidence)};
  needs.on_host = !evidence.recordings.empty() &&
                  std::ranges::all_of(evidence.recordings, [](const auto& one) {
                    return one.runtime == "process";
                  });
  Seen seen = look(evidence);
  for (const Added& one : added) {
    add(seen, evidence, one);
  }
  needs.mounted = std::move(seen.mounted);
  WritableFolders folders = writable_folders(
      std::move(seen.writes), image_files(evidence), Moves(evidence));
  needs.writable = std::move(folders.needs);
  needs.apart = std::move(folders.apart);
  add_owners(evidence, needs.writable);
  needs.unseen = unseen_calls(evidence);
  std::map<std::pair<std::uint32_t, std::uint32_t>, Reasons> users;
  std::map<std::string, Reasons> raised;
  for (const Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    for (const evidence::UserFact& fact : process.users) {
      const evidence::Share share = evidence::total(fact.by);
      if (fact.raised) {
        raised[process.key.exe].add(Cause::Observed, process.key, share);
      }
      if (is_first(evidence, process)) {
        users[{fact.uid, fact.gid}].add(Cause::Observed, process.key, share);
      }
    }
  }
  for (const auto& [numbers, reasons] : users) {
    needs.users.push_back({numbers.first, numbers.second, reasons.sorted()});
  }
  for (const auto& [exe, reasons] : raised) {
    needs.raised.push_back({exe, reasons.sorted()});
  }
  return needs;
}

}  // namespace vambrace::policy::securitycontext
