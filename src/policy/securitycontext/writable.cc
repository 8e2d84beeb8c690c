#include "policy/securitycontext/writable.h"

#include <algorithm>
#include <array>
#include <ranges>

#include "policy/securitycontext/needs.h"
#include "policy/securitycontext/paths.h"

namespace vambrace::policy::securitycontext {
namespace {

using Written = decltype(Writes::folders);
using Listed = std::map<std::string, WritableNeed, std::less<>>;

// Folders that stand for others in them.
using Folded = std::set<std::string>;

void move_reasons(Written& written, const std::string& from,
                  const std::string& to) {
  for (Reason& reason : written[from].sorted()) {
    written[to].add(std::move(reason));
  }
  written.erase(from);
}

// Folders by hash, by day, by client: the next run has other ones.
void fold_siblings(Written& written, Folded& folded) {
  for (bool again = true; again;) {
    again = false;
    std::map<std::string, std::vector<std::string>> siblings;
    for (const auto& [folder, reasons] : written) {
      if (folder != "/") {
        siblings[std::string(parent_of(folder))].push_back(folder);
      }
    }
    for (const auto& [parent, folders] : siblings) {
      if (parent == "/" || folders.size() <= kMostSiblings) {
        continue;
      }
      for (const std::string& folder : folders) {
        move_reasons(written, folder, parent);
      }
      folded.insert(parent);
      again = true;
    }
  }
}

// The innermost listed folder that a path lies in; null if there is none.
WritableNeed* home_of(Listed& listed, std::string_view path) {
  while (path != "/") {
    path = parent_of(path);
    if (const auto found = listed.find(path); found != listed.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

// By the workload in some recording, or in a folder that was.
bool is_made(const Writes& writes, std::string_view path) {
  for (; path != "/"; path = parent_of(path)) {
    if (writes.made.contains(path)) {
      return true;
    }
  }
  return false;
}

// The listed folder in which an empty file system would hide a path; null if
// there is none. Another folder that is listed has one of its own, unless it
// was removed: what is mounted cannot be.
WritableNeed* hiding(Listed& listed, const Writes& writes,
                     const std::string& path) {
  return listed.contains(path) && !writes.removed.contains(path)
             ? nullptr
             : home_of(listed, path);
}

// In a folder that is empty by custom only what was certainly there and used
// counts, and is not left of another run.
void mark(Listed& listed, const Writes& writes, const ImageFiles& image) {
  for (const std::string& path : image.known) {
    WritableNeed* home = hiding(listed, writes, path);
    if (home != nullptr &&
        (!is_scratch(home->folder) || !is_made(writes, path))) {
      home->brought = true;
    }
  }
  const auto mark_all = [&](const std::set<std::string>& paths,
                            bool WritableNeed::* field) {
    for (const std::string& path : paths) {
      WritableNeed* home = hiding(listed, writes, path);
      if (home != nullptr && !is_scratch(home->folder)) {
        home->*field = true;
      }
    }
  };
  mark_all(image.found, &WritableNeed::brought);
  mark_all(image.perhaps, &WritableNeed::may_hide);
}

// A folder that the workload makes has none of its own: what was found in it
// all the same, in another recording or before, the one above it would hide.
void mark_above(Listed& listed, const Writes& writes) {
  for (const auto& [folder, need] : listed | std::views::reverse) {
    WritableNeed* above = home_of(listed, folder);
    if (above != nullptr && writes.made.contains(folder) &&
        !is_scratch(above->folder)) {
      above->brought = above->brought || need.brought;
      above->may_hide = above->may_hide || need.may_hide;
    }
  }
}

// All folders that are written to, with what is known of each.
Listed all_of(const Writes& writes, const ImageFiles& image,
              const Folded& folded) {
  Listed listed;
  for (const auto& [folder, reasons] : writes.folders) {
    listed[folder] = {.folder = folder,
                      .folded = folded.contains(folder),
                      .reasons = reasons.sorted()};
  }
  mark(listed, writes, image);
  mark_above(listed, writes);
  for (const std::string_view path : writes.executed) {
    if (WritableNeed* home = home_of(listed, path)) {
      home->executed = true;
    }
  }
  return listed;
}

// But for those that are there with another one.
std::vector<WritableNeed> listed_of(const Writes& writes,
                                    const ImageFiles& image,
                                    const Folded& folded) {
  Listed all = all_of(writes, image, folded);
  std::vector<WritableNeed> out;
  for (const auto& [folder, need] : all) {
    const WritableNeed* above = home_of(all, folder);
    if (above != nullptr && above->folder != "/" &&
        (writes.made.contains(folder) || above->brought || above->folded)) {
      continue;
    }
    out.push_back(need);
    out.back().may_hide = need.may_hide && !need.brought && !need.folded;
  }
  return out;
}

Moves::Folders names_of(const std::vector<WritableNeed>& needs) {
  Moves::Folders names;
  for (const WritableNeed& need : needs) {
    names.insert(need.folder);
  }
  return names;
}

// Folders in which others than the workload have theirs, too.
bool is_shared(std::string_view folder) {
  constexpr std::array kShared = {
      "/",        "/bin",       "/boot",      "/etc", "/home",
      "/lib",     "/lib64",     "/media",     "/mnt", "/opt",
      "/root",    "/run",       "/sbin",      "/srv", "/usr",
      "/usr/lib", "/usr/local", "/usr/share", "/var", "/var/cache",
      "/var/lib", "/var/log",   "/var/spool"};
  return std::ranges::find(kShared, folder) != kShared.end();
}

// Makes one of folders between which files moved; false if that cannot be.
bool fold_pair(Written& written, Folded& folded,
               const std::set<std::string>& pair) {
  const std::string parent = common_parent(pair);
  if (is_shared(parent) && !pair.contains(parent)) {
    return false;
  }
  for (const std::string& folder : pair) {
    // Another pair may have taken it.
    if (folder != parent && written.contains(folder)) {
      move_reasons(written, folder, parent);
    }
  }
  folded.insert(parent);
  return true;
}

}  // namespace

WritableFolders writable_folders(Writes writes, const ImageFiles& image,
                                 const Moves& moves) {
  Folded folded;
  fold_siblings(writes.folders, folded);
  for (;;) {
    WritableFolders out{.needs = listed_of(writes, image, folded)};
    out.apart = moves.between(names_of(out.needs));
    const bool again =
        std::ranges::count_if(out.apart, [&](const Apart& apart) {
          return apart.certain &&
                 fold_pair(writes.folders, folded, apart.folders);
        }) > 0;
    if (!again) {
      return out;
    }
  }
}

}  // namespace vambrace::policy::securitycontext
