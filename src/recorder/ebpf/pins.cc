#include "recorder/ebpf/pins.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "recorder/ebpf/state.h"

namespace vambrace::recorder::ebpf {
namespace {

constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::string name_in(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

Result<Fd> open_folder(int above, const std::string& name,
                       const std::string& path) {
  Fd folder(::openat(above, name.c_str(), kFolder));
  if (!folder) {
    return std::unexpected(system_error("open " + path, errno));
  }
  return folder;
}

// All are listed before the first is removed.
std::vector<std::string> names_of(int folder) {
  std::vector<std::string> names;
  DIR* list = ::fdopendir(::openat(folder, ".", kFolder));
  if (list == nullptr) {
    return names;
  }
  while (const dirent* entry = ::readdir(list)) {
    if (entry->d_name[0] != '.') {
      names.emplace_back(entry->d_name);
    }
  }
  ::closedir(list);
  return names;
}

}  // namespace

Pins::Pins(std::string path, Fd above, Fd folder)
    : path_(std::move(path)),
      above_(std::move(above)),
      folder_(std::move(folder)) {}

Result<Pins> Pins::make(const std::string& path) {
  TRY(own_folder(folder_of(path)));
  if (::mkdir(path.c_str(), 0700) != 0) {
    return std::unexpected(system_error("make " + path, errno));
  }
  return open(path);
}

Result<Pins> Pins::open(const std::string& path) {
  const std::string root = folder_of(path);
  TRY_ASSIGN(Fd above, open_folder(AT_FDCWD, root, root));
  TRY_ASSIGN(Fd folder, open_folder(above.get(), name_in(path), path));
  return Pins(path, std::move(above), std::move(folder));
}

Result<> Pins::remove(const std::string& name) const {
  if (::unlinkat(folder_.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return std::unexpected(system_error("remove " + path_ + "/" + name, errno));
  }
  return {};
}

Result<> Pins::remove_all() const {
  Result<> all;
  for (const std::string& name : names_of(folder_.get())) {
    if (auto removed = remove(name); !removed && all) {
      all = std::move(removed);
    }
  }
  TRY(all);
  if (::unlinkat(above_.get(), name_in(path_).c_str(), AT_REMOVEDIR) != 0 &&
      errno != ENOENT) {
    return std::unexpected(system_error("remove " + path_, errno));
  }
  return {};
}

}  // namespace vambrace::recorder::ebpf
