#include "policy/securitycontext/image_files.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

#include "policy/reasons.h"
#include "policy/securitycontext/paths.h"
#include "policy/unnamed.h"
#include "policy/unplaced.h"

namespace vambrace::policy::securitycontext {
namespace {

using evidence::FileFact;
using evidence::Instant;

// When each was first seen of one path.
struct History {
  Instant made = Instant::max();    // by this very access
  Instant used = Instant::max();    // what needs it to be there, or reads it
  Instant opened = Instant::max();  // with O_CREAT, which may have made it
};

using Histories = std::unordered_map<std::string_view, History>;

void note_access(History& history, const FileFact& fact, Instant first) {
  const auto keep = [first](Instant& moment) {
    moment = std::min(moment, first);
  };
  if (is_made(fact)) {
    keep(history.made);
    return;
  }
  if (fact.access.contains('c')) {
    keep(history.opened);
  }
  if (!fact.access.contains('c') || fact.access.contains('r')) {
    keep(history.used);
  }
}

// What was done through a descriptor that was open is told by its open.
bool tells_something(const FileFact& fact) {
  return fact.path.starts_with('/') && !fact.access.empty() &&
         fact.access.find_first_of("ki") == std::string::npos &&
         !is_unnamed(fact.path.substr(fact.path.rfind('/') + 1));
}

using MountLists = std::map<std::string_view, const std::vector<std::string>*>;

MountLists mounts_by_recording(const evidence::Evidence& evidence) {
  MountLists mounts;
  for (const evidence::Recording& recording : evidence.recordings) {
    mounts[recording.id] = &recording.mounts;
  }
  return mounts;
}

// On something that the container had mounted there: it is not the image's.
bool is_mounted(const MountLists& mounts, std::string_view recording,
                std::string_view path) {
  const auto found = mounts.find(recording);
  return found != mounts.end() &&
         std::ranges::any_of(*found->second, [&](const std::string& mount) {
           return path == mount || is_below(path, mount);
         });
}

// Of each recording.
std::map<std::string_view, Histories> histories_of(
    const evidence::Evidence& evidence) {
  const MountLists mounts = mounts_by_recording(evidence);
  std::map<std::string_view, Histories> all;
  for (const evidence::Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    for (const FileFact& fact : process.files) {
      const std::string_view path = bare(fact.path);
      for (const auto& [recording, share] : fact.by) {
        if (share.count > 0 && tells_something(fact) &&
            !is_mounted(mounts, recording, path)) {
          note_access(all[recording][path], fact, share.first);
        }
      }
    }
  }
  return all;
}

// When the workload made it, or a folder that it is in.
Instant made_at(const Histories& histories, std::string_view path) {
  Instant first = Instant::max();
  for (; path != "/"; path = parent_of(path)) {
    if (const auto found = histories.find(path); found != histories.end()) {
      first = std::min(first, found->second.made);
    }
  }
  return first;
}

// Those that are several in truth.
std::set<std::string_view> folded_recordings(
    const evidence::Evidence& evidence) {
  std::set<std::string_view> folded;
  for (const evidence::Recording& recording : evidence.recordings) {
    if (!recording.folded.empty()) {
      folded.insert(recording.id);
    }
  }
  return folded;
}

}  // namespace

bool is_made(const FileFact& fact) {
  const bool renamed = fact.access == "cw" && !fact.owner;
  return fact.access == "c" || renamed || fact.access.contains('l');
}

ImageFiles image_files(const evidence::Evidence& evidence) {
  const std::set<std::string> told =
      recordings_with(evidence, evidence::kMadeProbe);
  const std::set<std::string_view> folded = folded_recordings(evidence);
  ImageFiles files;
  for (const auto& [recording, histories] : histories_of(evidence)) {
    const bool tells_made = told.contains(std::string(recording));
    for (const auto& [path, history] : histories) {
      if (history.used >= made_at(histories, path)) {
        if (folded.contains(recording) && history.used != Instant::max()) {
          files.perhaps.emplace(path);
        }
        continue;
      }
      const bool sure = tells_made || history.used < history.opened;
      (sure ? files.known : files.perhaps).emplace(path);
    }
  }
  const MountLists mounts = mounts_by_recording(evidence);
  for (const evidence::Recording& recording : evidence.recordings) {
    for (const std::string& path : recording.found) {
      if (!is_mounted(mounts, recording.id, path)) {
        files.found.insert(path);
      }
    }
  }
  return files;
}

}  // namespace vambrace::policy::securitycontext
