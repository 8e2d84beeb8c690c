#include "recorder/ebpf/programs.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "base/fd.h"
#include "recorder/ebpf/build_id.h"

namespace vambrace::recorder::ebpf {
namespace {

// The build id of the file if it is the one the kernel saw. `same_root` paths
// lead through a process, so an overlay's own device numbers are accepted.
BuildId read_file(const std::string& path, const vmb_image& image,
                  bool through_process) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
      info.st_ino != image.key.inode || info.st_size <= 0) {
    return std::nullopt;
  }
  const std::uint32_t device =
      ::major(info.st_dev) << 20 | ::minor(info.st_dev);
  if (device != image.key.device && !through_process) {
    return std::nullopt;
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (memory == MAP_FAILED) {
    return std::nullopt;
  }
  BuildId id =
      build_id_in(std::string_view(static_cast<const char*>(memory), size));
  ::munmap(memory, size);
  return id;
}

}  // namespace

void Programs::look(std::uint32_t number, const vmb_image& image,
                    std::uint32_t near) {
  if ((image.flags & VMB_IMAGE_READY) == 0) {
    return;
  }
  if (const auto found = ids_.find(number);
      found != ids_.end() && found->second) {
    return;
  }
  const File file{image.key.device, image.key.inode, image.key.ctime};
  if (const auto found = known_.find(file); found != known_.end()) {
    ids_[number] = found->second;
    return;
  }
  const std::string path = path_of(image);
  BuildId id = read_file(fmt::format("/proc/{}/exe", image.tgid), image, true);
  std::vector<std::uint32_t>& others = near_[image.key.scope];
  std::vector<std::uint32_t> roots{image.tgid, near};
  roots.insert(roots.end(), others.begin(), others.end());
  for (const std::uint32_t pid : roots) {
    if (!id && pid != 0) {
      id = read_file(fmt::format("/proc/{}/root{}", pid, path), image, true);
    }
  }
  if (others.size() < kNear &&
      std::ranges::find(others, image.tgid) == others.end()) {
    others.push_back(image.tgid);
  }
  if (!id) {
    id = read_file(path, image, false);
  }
  if (id) {
    known_[file] = *id;
  }
  ids_[number] = std::move(id);
}

}  // namespace vambrace::recorder::ebpf
