#include "recorder/ebpf/names.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <deque>
#include <set>
#include <sstream>
#include <vector>

#include "host/disk_files.h"
#include "recorder/ebpf/mount_facts.h"

namespace vambrace::recorder::ebpf {
namespace {

constexpr int kMostLinks = 40;

void split(std::string_view path, std::deque<std::string>& front) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (const auto part = path.substr(at, end - at);
        !part.empty() && part != ".") {
      parts.emplace_back(part);
    }
    at = end + 1;
  }
  front.insert(front.begin(), parts.begin(), parts.end());
}

std::string joined(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) {
    path += '/';
    path += part;
  }
  return path.empty() ? "/" : path;
}

// /proc/self, /proc/PID/fd and the like: what is there is another for each
// process, may have no path, and is gone with the process.
bool is_of_process(const std::vector<std::string>& path) {
  constexpr std::string_view kMagic[] = {"cwd", "exe", "fd", "ns", "root"};
  if (path.size() < 2 || path[0] != "proc") {
    return false;
  }
  if (path[1] == "self" || path[1] == "thread-self") {
    return true;
  }
  return path[1].find_first_not_of("0123456789") == std::string::npos &&
         std::ranges::find(kMagic, path.back()) != std::end(kMagic);
}

// Wherever that file system is mounted.
bool is_in_proc(int root, const std::string& path) {
  const Fd link(
      ::openat(root, path.c_str() + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct statfs info{};
  return link && ::fstatfs(link.get(), &info) == 0 &&
         info.f_type == PROC_SUPER_MAGIC;
}

// The link's target; nullopt if it is none, or nothing.
std::optional<std::string> target_of(int root, const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t bytes =
      ::readlinkat(root, path.c_str() + 1, target.data(), target.size());
  if (bytes <= 0) {
    return std::nullopt;
  }
  return std::string(target.data(), static_cast<std::size_t>(bytes));
}

std::uint32_t namespace_of(const std::string& process) {
  struct stat info{};
  return ::stat((process + "/ns/mnt").c_str(), &info) == 0
             ? static_cast<std::uint32_t>(info.st_ino)
             : 0;
}

// chmod, chown, truncate and connect go to where the last link leads; what is
// made, moved or removed is the link itself.
bool follows_last(std::uint32_t access) {
  return (access & (VMB_ACCESS_CREATE | VMB_ACCESS_DELETE | VMB_ACCESS_LINK)) ==
         0;
}

// Of what chmod, chown and rename name, only the thing itself tells what it is.
bool may_be_folder(std::uint32_t access) {
  constexpr std::uint32_t kMovedTo = VMB_ACCESS_WRITE | VMB_ACCESS_CREATE;
  constexpr std::uint32_t kMoved = VMB_ACCESS_READ | VMB_ACCESS_DELETE;
  return (access & (VMB_ACCESS_CHMOD | VMB_ACCESS_CHOWN)) != 0 ||
         (access & kMoved) == kMoved || (access & kMovedTo) == kMovedTo;
}

enum class Thing : std::uint8_t { Gone, File, Folder };

Thing thing_at(int root, const std::string& path) {
  struct stat info{};
  if (root < 0 || path == "/" ||
      ::fstatat(root, path.c_str() + 1, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return Thing::Gone;
  }
  return S_ISDIR(info.st_mode) ? Thing::Folder : Thing::File;
}

// The paths of all files, by mount namespace: what has others below it was a
// folder.
using Seen = std::map<std::uint32_t, std::set<std::string>>;

Seen paths_in(const Raw& raw) {
  Seen seen;
  for (const auto& [key, file] : raw.files) {
    if (auto path = path_of(raw, key, file)) {
      seen[file.path.mount_ns].insert(std::move(*path));
    }
  }
  return seen;
}

bool was_folder(const Seen& seen, std::uint32_t mount_ns,
                const std::string& path) {
  const auto paths = seen.find(mount_ns);
  if (paths == seen.end()) {
    return false;
  }
  const std::string below = path + '/';
  const auto next = paths->second.lower_bound(below);
  return next != paths->second.end() && next->starts_with(below);
}

// File systems that are mounted from a device, whose name is a path.
std::set<std::string, std::less<>> types_with_device() {
  std::set<std::string, std::less<>> types;
  const auto text = DiskFiles().read("/proc/filesystems");
  std::istringstream lines(text.value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('\t')) {
      types.insert(line.substr(1));
    }
  }
  return types;
}

// Where the places of mounts are. A bind has a folder on both sides or a file;
// whatever else is mounted on, is a folder.
class MountNames {
 public:
  MountNames(Raw& raw, const Roots& roots)
      : raw_(raw), roots_(roots), with_device_(types_with_device()) {}

  void follow() {
    for (std::size_t row = 0; row < raw_.mounts.size(); ++row) {
      const auto& [key, mount] = raw_.mounts[row];
      const evidence::MountFact fact = mount_fact(raw_, row);
      MountPlaces places{.target = fact.target, .source = fact.source};
      const bool files = is_of_files(key, mount, places);
      settle(places.target, key.image, key.target_is, mount.target, files);
      if (is_text(key)) {
        places.source = written_name(raw_, mount.source);
      } else {
        // A device is no folder.
        settle(places.source, key.image, key.source_is, mount.source,
               files || key.operation == VMB_MOUNT_NEW);
      }
      done_.push_back(std::move(places));
    }
    raw_.mount_places = std::move(done_);
  }

 private:
  bool is_text(const vmb_mount_key& key) const {
    const std::string_view type(key.fstype,
                                ::strnlen(key.fstype, sizeof key.fstype));
    return key.operation == VMB_MOUNT_NEW &&
           (key.source_is & VMB_FILE_NAMED_ONLY) != 0 &&
           !with_device_.contains(type.substr(0, type.find('.')));
  }

  int root_of(std::uint32_t image, const vmb_path& path) const {
    return is_program(raw_, image) ? roots_.of(path.mount_ns) : -1;
  }

  // Whether what is mounted, and on what, are files rather than folders: by the
  // place that was seen itself, or what is still there.
  bool is_of_files(const vmb_mount_key& key, const vmb_mount& mount,
                   const MountPlaces& places) const {
    if (key.operation == VMB_MOUNT_NEW || key.operation == VMB_MOUNT_PIVOT) {
      return false;
    }
    if ((key.target_is & VMB_FILE_NAMED_ONLY) == 0) {
      return (key.target_is & VMB_FILE_FOLDER) == 0;
    }
    for (const auto& [name, path] : {std::pair(places.target, mount.target),
                                     std::pair(places.source, mount.source)}) {
      const int root = root_of(key.image, path);
      const auto place = name && name->starts_with('/')
                             ? ebpf::follow(root, *name, true)
                             : std::nullopt;
      const Thing thing = place ? thing_at(root, *place) : Thing::Gone;
      if (thing != Thing::Gone) {
        return thing == Thing::File;
      }
    }
    return false;
  }

  void settle(std::optional<std::string>& place, std::uint32_t image,
              std::uint32_t what, const vmb_path& path, bool file) {
    if (!place || (what & VMB_FILE_NAMED_ONLY) == 0) {
      return;
    }
    const int root = root_of(image, path);
    if (root < 0 && is_program(raw_, image)) {
      ++raw_.unfollowed[raw_.images[image].key.scope];
    }
    place = ebpf::follow(root, *place, true);
    if (place && !file && !place->ends_with('/')) {
      *place += '/';
    }
  }

  Raw& raw_;
  const Roots& roots_;
  const std::set<std::string, std::less<>> with_device_;
  std::vector<MountPlaces> done_;
};

}  // namespace

Roots::Roots() : own_(namespace_of("/proc/self")) {
  roots_[own_] = Fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

void Roots::look(std::uint32_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  const std::uint32_t mount_ns = namespace_of(process);
  if (mount_ns == 0 || mount_ns == own_ ||
      (roots_.size() >= kMost && !roots_.contains(mount_ns))) {
    return;
  }
  Fd root(
      ::open((process + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  // Still that process, and no other of its number.
  if (root && namespace_of(process) == mount_ns) {
    roots_[mount_ns] = std::move(root);
  }
}

void Roots::look_once(std::uint32_t pid) {
  if (of(namespace_of("/proc/" + std::to_string(pid))) < 0) {
    look(pid);
  }
}

int Roots::of(std::uint32_t mount_ns) const {
  const auto found = roots_.find(mount_ns);
  return found == roots_.end() ? -1 : found->second.get();
}

std::optional<std::string> follow(int root, std::string_view path, bool last) {
  std::deque<std::string> ahead;
  std::vector<std::string> done;
  int links = 0;
  split(path, ahead);
  while (!ahead.empty()) {
    const std::string part = std::move(ahead.front());
    ahead.pop_front();
    if (part == "..") {
      if (!done.empty()) {
        done.pop_back();
      }
      continue;
    }
    done.push_back(part);
    if (is_of_process(done)) {
      return std::nullopt;
    }
    if ((ahead.empty() && !last) || links == kMostLinks || root < 0) {
      continue;
    }
    const std::string place = joined(done);
    if (const auto target = target_of(root, place)) {
      if (is_in_proc(root, place)) {
        return std::nullopt;
      }
      ++links;
      done.pop_back();
      if (target->starts_with('/')) {
        done.clear();
      }
      split(*target, ahead);
    }
  }
  return joined(done);
}

void follow_names(Raw& raw, const Roots& roots) {
  struct Lost {
    std::uint32_t mount_ns;
    std::string* path;
  };
  std::vector<Lost> lost;
  for (const auto& [key, file] : raw.files) {
    if ((key.access & VMB_FILE_NAMED_ONLY) == 0) {
      continue;
    }
    const auto named = path_of(raw, key, file);
    if (!named || !named->starts_with('/')) {
      continue;
    }
    // A runtime's files are no part of any policy, and it changes its root.
    const bool runtime = !is_program(raw, key.image);
    const int root = runtime ? -1 : roots.of(file.path.mount_ns);
    if (root < 0 && !runtime) {
      ++raw.unfollowed[raw.images[key.image].key.scope];
    }
    const bool last = follows_last(key.access);
    auto& followed = raw.followed[{file.path.at, key.access}];
    followed = follow(root, *named, last);
    if (!followed) {
      if (!runtime) {
        ++raw.elsewhere[raw.images[key.image].key.scope];
      }
      continue;
    }
    if ((key.access & VMB_FILE_FOLDER) != 0 && !followed->ends_with('/')) {
      *followed += '/';
    }
    if (may_be_folder(key.access)) {
      const Thing thing = thing_at(root, *followed);
      if (thing == Thing::Folder) {
        *followed += '/';
      } else if (thing == Thing::Gone) {
        lost.push_back({file.path.mount_ns, &*followed});
      }
    }
  }
  const Seen seen = lost.empty() ? Seen{} : paths_in(raw);
  for (const Lost& one : lost) {
    if (was_folder(seen, one.mount_ns, *one.path)) {
      *one.path += '/';
    }
  }
  MountNames(raw, roots).follow();
}

}  // namespace vambrace::recorder::ebpf
