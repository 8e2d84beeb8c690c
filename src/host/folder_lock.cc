#include "host/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "host/disk_files.h"

namespace vambrace {

Result<HeldFolder> lock_folder(const std::string& folder,
                               std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kStep{10};
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return std::unexpected(system_error("open " + folder, errno));
  }
  const auto end = std::chrono::steady_clock::now() + patience;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    if (!held && errno != EINTR) {
      return HeldFolder{.fd = std::move(fd)};
    }
    if (std::chrono::steady_clock::now() >= end) {
      return std::unexpected(
          Error(ErrorCode::Unavailable,
                fmt::format("{}: another vambrace is writing it", folder))
              .with_hint("try again when it has ended"));
    }
    std::this_thread::sleep_for(kStep);
  }
  return HeldFolder{.fd = std::move(fd), .alone = true};
}

Result<HeldFolder> make_and_lock_folder(const std::string& folder,
                                        std::chrono::milliseconds patience) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return std::unexpected(system_error("create " + folder, error.value()));
  }
  return lock_folder(folder, patience);
}

}  // namespace vambrace
