#include "enforcer/private_place.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/fd.h"
#include "enforcer/launcher/launcher_image.h"
#include "host/disk_files.h"

namespace vambrace::enforcer {
namespace {

Error mount_error(std::string_view what, int number) {
  Error error = system_error(what, number);
  if (number == EPERM) {
    return std::move(error).with_hint(
        "confining one program among others takes CAP_SYS_ADMIN: run as root");
  }
  return error;
}

template <std::size_t kSize>
Result<> copy_text(std::string_view text, char (&to)[kSize]) {
  if (text.size() >= kSize) {
    return fail(ErrorCode::InvalidInput, "too long: {}", text);
  }
  std::copy(text.begin(), text.end(), to);
  to[text.size()] = '\0';
  return {};
}

}  // namespace

Result<PrivatePlace> PrivatePlace::create() {
  const char* base = std::getenv("TMPDIR");
  std::string path = fmt::format(
      "{}/vambrace-XXXXXX", base != nullptr && *base == '/' ? base : "/tmp");
  if (::mkdtemp(path.data()) == nullptr) {
    return std::unexpected(system_error(path, errno));
  }
  PrivatePlace place(path);
  if (::chmod(path.c_str(), 0711) != 0) {
    return std::unexpected(system_error(path, errno));
  }
  return place;
}

PrivatePlace::PrivatePlace(PrivatePlace&& other) noexcept
    : path_(std::exchange(other.path_, {})), path_kept_(other.path_kept_) {}

PrivatePlace::~PrivatePlace() {
  if (!path_.empty() && !path_kept_) {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
}

std::string PrivatePlace::file(std::string_view name) const {
  return fmt::format("{}/{}", path_, name);
}

Result<std::string> PrivatePlace::put(std::string_view name,
                                      std::string_view bytes,
                                      bool executable) const {
  const std::string path = file(name);
  std::filesystem::create_directories(
      std::filesystem::path(path).parent_path());
  const Fd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) {
    return std::unexpected(system_error(path, errno));
  }
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) {
      return std::unexpected(system_error(path, errno));
    }
    bytes.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  if (::fchmod(fd.get(), executable ? 0755 : 0644) != 0) {
    return std::unexpected(system_error(path, errno));
  }
  return path;
}

Result<std::string> PrivatePlace::put_open(std::string_view name) const {
  std::array<std::uint8_t, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) !=
      static_cast<ssize_t>(random.size())) {
    return std::unexpected(system_error("random bytes", errno));
  }
  TRY_ASSIGN(
      const std::string path,
      put(fmt::format("{}-{:02x}", name, fmt::join(random, "")), "", false));
  if (::chmod(path.c_str(), 0666) != 0) {
    return std::unexpected(system_error(path, errno));
  }
  return path;
}

Result<> enter_private_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) {
    return std::unexpected(mount_error("a mount namespace of its own", errno));
  }
  // Mounts of the host still arrive; ours do not leave.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return std::unexpected(mount_error("private mounts", errno));
  }
  return {};
}

std::string second_path(std::string_view name, const std::string& exe) {
  return fmt::format("original/{}/{}", name,
                     std::filesystem::path(exe).filename().string());
}

Result<WorkloadCover> WorkloadCover::create(const PrivatePlace& place,
                                            const std::string& exe,
                                            std::string_view name,
                                            LaunchSpec spec) {
  TRY_ASSIGN(const std::string original,
             place.put(second_path(name, exe), "", true));
  TRY(copy_text(exe, spec.exe));
  TRY(copy_text(original, spec.original));
  if (spec.has_filter != 0 && !add_mark(spec)) {
    return fail(ErrorCode::Unsupported,
                "the profile's filter leaves no room for verify's mark");
  }
  TRY_ASSIGN(
      const std::string launcher,
      place.put(fmt::format("launcher-{}", name), launcher_with(spec), true));
  // The second path first: once covered, the executable cannot be named.
  if (::mount(exe.c_str(), original.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return std::unexpected(mount_error("keep " + exe, errno));
  }
  WorkloadCover cover(exe, original);
  const bool mounted =
      ::mount(launcher.c_str(), exe.c_str(), nullptr, MS_BIND, nullptr) == 0;
  const int number = errno;
  // It names the report. From here on it can be read as the cover alone.
  ::unlink(launcher.c_str());
  if (!mounted) {
    cover.exe_.clear();
    return std::unexpected(mount_error("cover " + exe, number));
  }
  // A temporary folder may be mounted noexec; the cover need not be.
  ::mount(nullptr, exe.c_str(), nullptr,
          MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr);
  return cover;
}

WorkloadCover::WorkloadCover(WorkloadCover&& other) noexcept
    : exe_(std::exchange(other.exe_, {})),
      original_(std::exchange(other.original_, {})) {}

WorkloadCover::~WorkloadCover() {
  if (!exe_.empty()) {
    ::umount2(exe_.c_str(), MNT_DETACH);
  }
  if (!original_.empty()) {
    ::umount2(original_.c_str(), MNT_DETACH);
  }
}

}  // namespace vambrace::enforcer
