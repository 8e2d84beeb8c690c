#include "host/root_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "host/disk_files.h"

namespace vambrace {
namespace {

// The kernel gives up (EAGAIN) when something is renamed beside it.
constexpr int kTries = 64;

int open_in_root(int root, const std::string& path, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  for (int i = 0; i < kTries; ++i) {
    fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
      break;
    }
  }
  return static_cast<int>(fd);
}

std::string name_of(const Fd& fd) {
  return fmt::format("/proc/self/fd/{}", fd.get());
}

std::optional<std::string> link_of(const Fd& fd) {
  char buffer[PATH_MAX];
  const ssize_t size = ::readlink(name_of(fd).c_str(), buffer, sizeof buffer);
  if (size <= 0 || size == sizeof buffer || buffer[0] != '/') {
    return std::nullopt;
  }
  return std::string(buffer, static_cast<std::size_t>(size));
}

// So many bytes from that offset on.
Result<> read_part(const Fd& fd, char* to, std::size_t size, std::size_t offset,
                   const std::string& path) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd.get(), to + done, size - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return std::unexpected(system_error("read " + path, errno));
    }
    if (got == 0) {
      return fail(ErrorCode::InvalidInput,
                  "{}: became shorter while it was read", path);
    }
    done += static_cast<std::size_t>(got);
  }
  return {};
}

}  // namespace

Result<RootFiles> RootFiles::open(const std::string& folder) {
  Fd root(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    return std::unexpected(system_error("open the root " + folder, errno));
  }
  const Fd probe(open_in_root(root.get(), ".", O_PATH));
  if (!probe && (errno == ENOSYS || errno == EPERM)) {
    return std::unexpected(
        Error(ErrorCode::Unsupported,
              fmt::format("root {}: openat2 cannot be called", folder))
            .with_hint("links could lead out of the root without it; it needs "
                       "Linux 5.6 and no seccomp profile that denies it"));
  }
  if (!probe) {
    return std::unexpected(system_error("open the root " + folder, errno));
  }
  std::optional<std::string> prefix = link_of(root);
  if (!prefix) {
    return std::unexpected(
        Error(ErrorCode::Unavailable,
              fmt::format("root {}: its path cannot be told", folder))
            .with_hint("mount /proc"));
  }
  if (*prefix == "/") {
    prefix->clear();
  }
  return RootFiles(std::move(root), *std::move(prefix));
}

Result<Fd> RootFiles::find(const std::string& path) const {
  if (path.contains('\0')) {
    return fail(ErrorCode::NotFound, "a path with a null byte");
  }
  Fd file(open_in_root(root_.get(), path.empty() ? "." : path, O_PATH));
  if (!file) {
    return std::unexpected(system_error("open " + path, errno));
  }
  return file;
}

std::optional<std::string> RootFiles::path_of(const Fd& file) const {
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0 || status.st_nlink == 0) {
    return std::nullopt;
  }
  std::optional<std::string> path = link_of(file);
  if (!path || !path->starts_with(prefix_)) {
    return std::nullopt;
  }
  path->erase(0, prefix_.size());
  if (path->empty()) {
    return "/";
  }
  return path->starts_with('/') ? path : std::nullopt;
}

Result<RootFiles::Opened> RootFiles::open_file(const std::string& path,
                                               std::uint64_t limit) const {
  TRY_ASSIGN(const Fd place, find(path));
  struct stat status = {};
  if (::fstat(place.get(), &status) != 0) {
    return std::unexpected(system_error("stat " + path, errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::InvalidInput, "{}: not a regular file", path);
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > limit) {
    return fail(ErrorCode::InvalidInput, "{}: larger than {} bytes", path,
                limit);
  }
  auto resolved = path_of(place);
  if (!resolved) {
    return fail(ErrorCode::NotFound, "{}: its place cannot be told", path);
  }
  // The very file that was looked at, whatever its name leads to by now.
  Fd file(::open(name_of(place).c_str(),
                 O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) {
    return std::unexpected(system_error("open " + path, errno));
  }
  return Opened{std::move(file), *std::move(resolved), size};
}

Result<elf::RootFile> RootFiles::read(const std::string& path,
                                      std::uint64_t limit) const {
  TRY_ASSIGN(Opened opened, open_file(path, limit));
  auto bytes = std::make_shared_for_overwrite<std::uint8_t[]>(opened.size);
  TRY(read_part(opened.file, reinterpret_cast<char*>(bytes.get()), opened.size,
                0, path));
  return elf::RootFile{std::move(opened.path),
                       elf::Bytes(std::move(bytes), opened.size)};
}

Result<elf::RootDigest> RootFiles::digest(const std::string& path,
                                          std::uint64_t limit) const {
  TRY_ASSIGN(Opened opened, open_file(path, limit));
  // Few enough to stay in the processor's cache from here to the digest.
  std::array<char, 65536> part;
  PieceDigest digest(opened.size);
  for (std::size_t done = 0; done < opened.size;) {
    const std::size_t size = std::min(part.size(), opened.size - done);
    TRY(read_part(opened.file, part.data(), size, done, path));
    digest.add({part.data(), size});
    done += size;
  }
  return elf::RootDigest{std::move(opened.path), std::move(digest).finish()};
}

std::optional<std::string> RootFiles::resolve(const std::string& path) const {
  const auto file = find(path);
  return file ? path_of(*file) : std::nullopt;
}

bool RootFiles::is_file(const std::string& path) const {
  const auto file = find(path);
  struct stat status = {};
  return file && ::fstat(file->get(), &status) == 0 && S_ISREG(status.st_mode);
}

Result<std::vector<std::string>> RootFiles::list(
    const std::string& folder) const {
  const std::string path = folder.empty() ? "." : folder;
  Fd fd(path.contains('\0')
            ? -1
            : open_in_root(root_.get(), path, O_RDONLY | O_DIRECTORY));
  if (!fd) {
    return std::unexpected(system_error("list " + folder, errno));
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> open_folder(::fdopendir(fd.get()),
                                                        &::closedir);
  if (!open_folder) {
    return std::unexpected(system_error("list " + folder, errno));
  }
  static_cast<void>(fd.release());
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(open_folder.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") {
      continue;
    }
    if (names.size() == elf::kMaxRootNames) {
      return fail(ErrorCode::InvalidInput, "{}: more than {} names", folder,
                  elf::kMaxRootNames);
    }
    names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) {
    return std::unexpected(system_error("list " + folder, errno));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace vambrace
