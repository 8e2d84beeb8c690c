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

// How a file is known to be the one that the kernel saw, besides its inode.
enum class Proof : std::uint8_t {
  ThroughProcess,  // by the way to it; an overlay has device numbers of its own
  ByDevice,
  ByChange,  // in a layer of an overlay: the time of change
};

bool is_known(const struct stat& info, const vmb_image& image, Proof known) {
  switch (known) {
    case Proof::ThroughProcess:
      return true;
    case Proof::ByDevice:
      return image.key.device ==
             (::major(info.st_dev) << 20 | ::minor(info.st_dev));
    case Proof::ByChange:
      return image.key.ctime ==
             (static_cast<std::uint64_t>(info.st_ctim.tv_sec) << 30) +
                 static_cast<std::uint64_t>(info.st_ctim.tv_nsec);
  }
  return false;
}

// The build id of the file if it is the one the kernel saw.
BuildId read_file(const std::string& path, const vmb_image& image,
                  Proof known) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
      info.st_ino != image.key.inode || info.st_size <= 0 ||
      !is_known(info, image, known)) {
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
  BuildId id = read_file(fmt::format("/proc/{}/exe", image.tgid), image,
                         Proof::ThroughProcess);
  std::vector<std::uint32_t>& others = near_[image.key.scope];
  std::vector<std::uint32_t> roots{image.tgid, near};
  roots.insert(roots.end(), others.begin(), others.end());
  for (const std::uint32_t pid : roots) {
    if (!id && pid != 0) {
      id = read_file(fmt::format("/proc/{}/root{}", pid, path), image,
                     Proof::ThroughProcess);
    }
  }
  if (others.size() < kNear &&
      std::ranges::find(others, image.tgid) == others.end()) {
    others.push_back(image.tgid);
  }
  if (!id) {
    id = read_file(path, image, Proof::ByDevice);
  }
  if (id) {
    known_[file] = *id;
  }
  ids_[number] = std::move(id);
}

void Programs::look_in(const std::vector<std::string>& folders,
                       std::uint32_t number, const vmb_image& image) {
  BuildId& id = ids_[number];
  const std::string path = path_of(image);
  for (const std::string& folder : folders) {
    if (id || path.contains("/../")) {
      return;
    }
    id = read_file(folder + path, image, Proof::ByChange);
  }
}

}  // namespace vambrace::recorder::ebpf
