#include "recorder/ebpf/found.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "recorder/ebpf/collect.h"
#include "recorder/ebpf/origins.h"

namespace vambrace::recorder::ebpf {
namespace {

using std::chrono::steady_clock;

// The file has this name because of the workload: it made it, or would where
// there is none.
constexpr std::uint32_t kPuts =
    VMB_ACCESS_CREATE | VMB_ACCESS_LINK | VMB_FILE_MADE;

struct Place {
  std::uint32_t mount_ns = 0;
  std::string path;  // no slash at the end, but for "/"
  auto operator<=>(const Place&) const = default;
};

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory open_folder(int root, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const auto fd = static_cast<int>(
      ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
  DIR* folder = fd < 0 ? nullptr : ::fdopendir(fd);
  if (folder == nullptr && fd >= 0) {
    ::close(fd);
  }
  return {folder, ::closedir};
}

bool is_folder(DIR* in, const dirent& entry) {
  struct stat info = {};
  return entry.d_type == DT_DIR || (entry.d_type == DT_UNKNOWN &&
                                    ::fstatat(::dirfd(in), entry.d_name, &info,
                                              AT_SYMLINK_NOFOLLOW) == 0 &&
                                    S_ISDIR(info.st_mode));
}

// What the programs of a scope did with names.
struct Names {
  std::set<Place> put;                               // by anybody
  std::set<Place> removed;                           // by anybody
  std::map<Place, std::set<std::uint32_t>> folders;  // scopes that put there
};

struct Content {
  // The first file or link that nobody put there; empty: there is none, or the
  // folder was removed.
  std::string other;
  std::optional<evidence::OwnedFolder> owner;
};

// Not where users have other numbers than here, as the root has.
std::optional<evidence::OwnedFolder> owner_of(int root, const Place& folder,
                                              DIR* open) {
  struct stat top = {};
  struct stat info = {};
  if (::fstat(root, &top) != 0 || top.st_uid != 0 ||
      ::fstat(::dirfd(open), &info) != 0) {
    return std::nullopt;
  }
  return evidence::OwnedFolder{folder.path, info.st_uid, info.st_gid,
                               info.st_mode & 07777};
}

// nullopt: it cannot be read, as of a container that is being removed.
std::optional<Content> content_of(int root, const Place& folder,
                                  const Names& names) {
  const Directory open = open_folder(root, folder.path);
  if (!open) {
    return errno == ENOENT && names.removed.contains(folder)
               ? std::optional<Content>(Content{})
               : std::nullopt;
  }
  std::string first;
  bool empty = true;
  for (errno = 0; const dirent* entry = ::readdir(open.get()); errno = 0) {
    empty = false;
    Place place{.mount_ns = folder.mount_ns,
                .path = folder.path == "/" ? "/" : folder.path + "/"};
    place.path += entry->d_name;
    if (!is_folder(open.get(), *entry) && !names.put.contains(place) &&
        (first.empty() || place.path < first)) {
      first = std::move(place.path);
    }
  }
  // A folder that is there has itself in it; readdir() takes the ENOENT of one
  // that was removed for its end.
  if (errno != 0 || empty) {
    return std::nullopt;
  }
  return Content{std::move(first), owner_of(root, folder, open.get())};
}

Names names_in(const Raw& raw) {
  Names names;
  for (const auto& [key, file] : raw.files) {
    if ((key.access & (kPuts | VMB_ACCESS_DELETE)) == 0) {
      continue;
    }
    const auto path = path_of(raw, key, file);
    if (!path || !path->starts_with('/') || *path == "/") {
      continue;
    }
    Place place{.mount_ns = file.path.mount_ns, .path = *path};
    if (place.path.ends_with('/')) {
      place.path.pop_back();
    }
    if ((key.access & VMB_ACCESS_DELETE) != 0) {
      names.removed.insert(place);
    }
    if ((key.access & kPuts) == 0) {
      continue;
    }
    if (is_program(raw, key.image)) {
      names
          .folders[{.mount_ns = place.mount_ns,
                    .path = std::string(parent_of(place.path))}]
          .insert(raw.images[key.image].key.scope);
    }
    names.put.insert(std::move(place));
  }
  return names;
}

}  // namespace

void look_around(Raw& raw, const Roots& roots) {
  const Names names = names_in(raw);
  std::set<std::uint32_t> unknown;
  for (const auto& [folder, scopes] : names.folders) {
    const int root = roots.of(folder.mount_ns);
    const auto content = root < 0 || roots.is_own(folder.mount_ns)
                             ? std::nullopt
                             : content_of(root, folder, names);
    for (const std::uint32_t scope : scopes) {
      if (!content) {
        unknown.insert(scope);
        continue;
      }
      raw.looked.insert(scope);
      if (!content->other.empty()) {
        raw.found[scope].insert(content->other);
      }
      if (content->owner) {
        raw.owners[scope].emplace(folder.path, *content->owner);
      }
    }
  }
  for (const std::uint32_t scope : unknown) {
    raw.looked.erase(scope);
  }
}

void FoundAtEnd::look(const Maps& maps, const Roots& roots) {
  const auto start = steady_clock::now();
  if (!roots.any_other() || !ended_.is_due(start)) {
    return;
  }
  const std::set<std::uint32_t> scopes = ended_.take();
  if (auto raw = collect_files(maps)) {
    tell_moved(*raw);
    follow_names(*raw, roots);
    look_around(*raw, roots);
    for (const std::uint32_t scope : scopes) {
      if (raw->looked.contains(scope)) {
        found_[scope] = {std::move(raw->found[scope]),
                         std::move(raw->owners[scope])};
      }
    }
  }
  ended_.looked(start, steady_clock::now());
}

void FoundAtEnd::add_to(Raw& raw) const {
  for (const auto& [scope, found] : found_) {
    raw.looked.insert(scope);
    raw.found[scope].insert(found.others.begin(), found.others.end());
    raw.owners[scope].insert(found.owners.begin(), found.owners.end());
  }
}

}  // namespace vambrace::recorder::ebpf
