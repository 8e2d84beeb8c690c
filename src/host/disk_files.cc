#include "host/disk_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>

#include "base/fd.h"

namespace vambrace {
namespace {

// Writes all bytes or says which step failed.
Result<> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return std::unexpected(system_error("write " + path, errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<> write_and_sync(const Fd& fd, std::string_view bytes,
                        const std::string& path) {
  TRY(write_all(fd.get(), bytes, path));
  if (::fsync(fd.get()) != 0) {
    return std::unexpected(system_error("fsync " + path, errno));
  }
  return {};
}

// What a file says of its size, so that the bytes are not copied as they grow.
// It may say less than there is to read, as those of /proc do, or far more.
std::size_t expected_size(const Fd& fd, std::uint64_t limit) {
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0 || status.st_size < 0) {
    return 0;
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return size > limit ? 0 : size;
}

// Makes the rename itself durable.
Result<> sync_folder(const std::string& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) {
    return std::unexpected(system_error("fsync " + folder, errno));
  }
  return {};
}

// A device, a pipe or a socket, also behind a link: such a thing is written
// into. A file in its place would be the end of /dev/null.
bool is_stream(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) &&
         !S_ISDIR(status.st_mode);
}

Result<> write_stream(const std::string& path, std::string_view bytes) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    return std::unexpected(system_error("open " + path, errno));
  }
  return write_all(fd.get(), bytes, path);
}

std::string folder_of(const std::string& path) {
  const std::filesystem::path parent =
      std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// Where the bytes of `path` go: behind links of the user's own.
std::string target_of(const std::string& path) {
  struct stat link = {};
  std::error_code error;
  if (::lstat(path.c_str(), &link) != 0 || !S_ISLNK(link.st_mode) ||
      link.st_uid != ::geteuid() ||
      !std::filesystem::is_regular_file(path, error)) {
    return path;
  }
  const auto target = std::filesystem::canonical(path, error);
  return error ? path : target.string();
}

// Gives `fd` what the file has whose place it takes; without a path, or a file
// there, it is for all to read.
Result<> set_rights(int fd, const std::string& path,
                    const std::string& folder) {
  struct stat old = {};
  struct stat around = {};
  mode_t mode = 0644;
  if (::lstat(path.c_str(), &old) == 0 && S_ISREG(old.st_mode) &&
      ::stat(folder.c_str(), &around) == 0) {
    const bool open_to_strangers = (around.st_mode & 022) != 0;
    if (!open_to_strangers || old.st_uid == ::geteuid() ||
        old.st_uid == around.st_uid) {
      mode = old.st_mode & 0777;
      // Only root gives files away: whoever else may not owns it now.
      if (::fchown(fd, old.st_uid, old.st_gid) != 0 && errno != EPERM) {
        return std::unexpected(system_error("chown " + path, errno));
      }
    }
  }
  if (::fchmod(fd, mode) != 0) {
    return std::unexpected(system_error("chmod " + path, errno));
  }
  return {};
}

// The names under which files are written out: ".NAME.XXXXXX", and those of
// write_all() as staged_name() knows them.
constexpr std::string_view kRandom = ".XXXXXX";
constexpr std::string_view kStaged = ".vambrace-XXXXXX";

bool is_temporary_of(std::string_view entry, std::string_view name) {
  return staged_name(entry) == name ||
         (entry.size() == 1 + name.size() + kRandom.size() &&
          entry.starts_with('.') && entry.substr(1).starts_with(name) &&
          entry[1 + name.size()] == '.');
}

// Nobody takes so long between writing a file out and renaming it.
constexpr std::chrono::hours kForsakenAfter{1};

bool is_forsaken(const std::string& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_uid == ::geteuid() &&
         std::chrono::system_clock::now() -
                 std::chrono::system_clock::from_time_t(status.st_mtime) >
             kForsakenAfter;
}

// Removes what killed writers of these files left. What cannot be removed
// stays: it harms nobody.
void sweep(const std::set<std::string>& paths) {
  std::map<std::string, std::vector<std::string>> folders;
  for (const std::string& path : paths) {
    folders[folder_of(path)].push_back(
        std::filesystem::path(path).filename().string());
  }
  for (const auto& [folder, names] : folders) {
    std::error_code error;
    std::filesystem::directory_iterator it(folder, error);
    for (; !error && it != std::filesystem::directory_iterator();
         it.increment(error)) {
      const std::string entry = it->path().filename().string();
      const bool ours =
          entry.starts_with('.') &&
          std::ranges::any_of(names, [&](const std::string& name) {
            return is_temporary_of(entry, name);
          });
      if (ours && is_forsaken(it->path().string())) {
        ::unlink(it->path().c_str());
      }
    }
  }
}

// The bytes of a file, written out under a temporary name beside it. Removes
// that name again unless it is committed.
class Staged {
 public:
  enum class Old : std::uint8_t { Replaced, KeepsPlaceAndRights };

  static Result<Staged> create(const std::string& path, std::string_view bytes,
                               Old old) {
    if (is_stream(path)) {
      return fail(ErrorCode::InvalidInput, "{}: not a regular file", path);
    }
    Staged staged;
    const bool keeps = old == Old::KeepsPlaceAndRights;
    staged.path_ = keeps ? target_of(path) : path;
    staged.folder_ = folder_of(staged.path_);
    std::error_code error;
    std::filesystem::create_directories(staged.folder_, error);
    if (error) {
      return std::unexpected(
          system_error("create " + staged.folder_, error.value()));
    }
    std::string name =
        fmt::format("{}/.{}{}", staged.folder_,
                    std::filesystem::path(staged.path_).filename().string(),
                    keeps ? kStaged : kRandom);
    const Fd fd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd) {
      return std::unexpected(
          system_error("create a file in " + staged.folder_, errno));
    }
    staged.temporary_ = std::move(name);
    TRY(write_and_sync(fd, bytes, path));
    TRY(set_rights(fd.get(), keeps ? staged.path_ : "", staged.folder_));
    return staged;
  }

  Staged(Staged&& other) noexcept
      : path_(std::move(other.path_)),
        folder_(std::move(other.folder_)),
        temporary_(std::exchange(other.temporary_, {})) {}
  Staged& operator=(Staged&&) = delete;
  ~Staged() {
    if (!temporary_.empty()) {
      ::unlink(temporary_.c_str());
    }
  }

  const std::string& path() const { return path_; }
  const std::string& folder() const { return folder_; }

  // Durable once the folder is synced.
  Result<> rename() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
      return std::unexpected(system_error("rename to " + path_, errno));
    }
    temporary_.clear();
    return {};
  }

 private:
  Staged() = default;

  std::string path_;
  std::string folder_;
  std::string temporary_;
};

// Lets the signals by which people end a program wait while it lives.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t these;
    ::sigemptyset(&these);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
      ::sigaddset(&these, number);
    }
    ::pthread_sigmask(SIG_BLOCK, &these, &before_);
  }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;
  ~SignalsWait() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_ = {};
};

// One after the other, with nothing between two of a folder: a kill hits there
// if it hits at all. What lies in the next folder may rest on what lies in this
// one, so that this one is durable first.
Result<> rename_all(std::vector<Staged>& staged) {
  const SignalsWait wait;
  for (std::size_t i = 0; i < staged.size(); ++i) {
    TRY(staged[i].rename());
    const std::string& folder = staged[i].folder();
    if (i + 1 == staged.size() || staged[i + 1].folder() != folder) {
      TRY(sync_folder(folder));
    }
  }
  return {};
}

}  // namespace

Error system_error(std::string_view what, int number) {
  ErrorCode code = ErrorCode::Unavailable;
  switch (number) {
    case ENOENT:
    case ESRCH:
    case ENOTDIR:
      code = ErrorCode::NotFound;
      break;
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR:
    case ELOOP:
      code = ErrorCode::InvalidInput;
      break;
    case ENOSYS:
    case EOPNOTSUPP:
      code = ErrorCode::Unsupported;
      break;
    default:
      break;
  }
  Error error(code, fmt::format("{}: {}", what, std::strerror(number)));
  if (number == ENOSPC || number == EDQUOT) {
    return std::move(error).with_hint("free some space and try again");
  }
  if (number == EACCES || number == EPERM) {
    return std::move(error).with_hint(
        "run as a user who may do this, for most of the kernel's doors: root");
  }
  return error;
}

Result<std::string> DiskFiles::read(const std::string& path,
                                    std::uint64_t limit) const {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return std::unexpected(system_error("open " + path, errno));
  }
  std::string bytes;
  bytes.reserve(expected_size(fd, limit));
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return std::unexpected(system_error("read " + path, errno));
    }
    if (n == 0) {
      return bytes;
    }
    bytes.append(buffer, static_cast<std::size_t>(n));
    if (bytes.size() > limit) {
      return fail(ErrorCode::InvalidInput, "{}: larger than {} bytes", path,
                  limit);
    }
  }
}

Result<> DiskFiles::write(const std::string& path, std::string_view bytes) {
  if (is_stream(path)) {
    return write_stream(path, bytes);
  }
  TRY_ASSIGN(Staged staged, Staged::create(path, bytes, Staged::Old::Replaced));
  TRY(staged.rename());
  TRY(sync_folder(staged.folder()));
  sweep({staged.path()});
  return {};
}

Result<> DiskFiles::write_all(const std::vector<NewFile>& files) {
  std::vector<Staged> staged;
  for (const auto& [path, bytes] : files) {
    TRY_ASSIGN(Staged one,
               Staged::create(path, bytes, Staged::Old::KeepsPlaceAndRights));
    staged.push_back(std::move(one));
  }
  TRY(rename_all(staged));
  std::set<std::string> paths;
  for (const Staged& one : staged) {
    paths.insert(one.path());
  }
  sweep(paths);
  return {};
}

void DiskFiles::remove_staged(const std::string& directory) {
  std::error_code error;
  if (std::filesystem::is_symlink(directory, error)) {
    return;
  }
  std::filesystem::directory_iterator it(directory, error);
  for (; !error && it != std::filesystem::directory_iterator();
       it.increment(error)) {
    struct stat status = {};
    if (staged_name(it->path().filename().string()) &&
        ::lstat(it->path().c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      ::unlink(it->path().c_str());
    }
  }
}

bool DiskFiles::exists(const std::string& path) const {
  return ::access(path.c_str(), F_OK) == 0;
}

bool DiskFiles::is_directory(const std::string& path) const {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool DiskFiles::is_regular(const std::string& path) const {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

Result<std::vector<std::string>> DiskFiles::list(
    const std::string& directory) const {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator it(directory, error);
  for (; !error && it != std::filesystem::directory_iterator();
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) {
    return std::unexpected(system_error("list " + directory, error.value()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<> DiskFiles::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return std::unexpected(system_error("remove " + path, errno));
  }
  return {};
}

}  // namespace vambrace
