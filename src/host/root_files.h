#pragma once

#include "base/fd.h"
#include "elf/root.h"

namespace vambrace {

// The files below a folder of this machine, as a process whose root it is would
// see them; "/" and /proc/PID/root are such folders, too.
//
// No path leaves the folder, whatever links it holds: the kernel resolves them
// (openat2 with RESOLVE_IN_ROOT, Linux 5.6). What is no regular file is never
// opened, so that no device is touched and no pipe waited for. Needs /proc, to
// tell where links lead.
//
// Files are copied into memory instead of mapped. A mapped file that shrinks
// while it is analyzed ends the process (SIGBUS), and one that changes gives
// two answers for one question. The cost is small: some milliseconds for the
// 10 MB of a server with its libraries.
class RootFiles : public elf::Root {
 public:
  // NotFound if there is no such folder; Unsupported without openat2: there is
  // no other way that stays inside.
  static Result<RootFiles> open(const std::string& folder);

  // InvalidInput also for a file that becomes shorter while it is read.
  Result<elf::RootFile> read(
      const std::string& path,
      std::uint64_t limit = elf::kMaxRootFile) const override;
  Result<elf::RootDigest> digest(
      const std::string& path,
      std::uint64_t limit = elf::kMaxRootFile) const override;
  std::optional<std::string> resolve(const std::string& path) const override;
  bool is_file(const std::string& path) const override;
  Result<std::vector<std::string>> list(
      const std::string& folder) const override;

 private:
  RootFiles(Fd root, std::string prefix)
      : root_(std::move(root)), prefix_(std::move(prefix)) {}

  struct Opened {
    Fd file;
    std::string path;  // with all links followed
    std::size_t size = 0;
  };

  // A regular file of at most that size.
  Result<Opened> open_file(const std::string& path, std::uint64_t limit) const;
  // An O_PATH descriptor of what is there, links followed.
  Result<Fd> find(const std::string& path) const;
  // Its path below the root; nullopt if it has none any more.
  std::optional<std::string> path_of(const Fd& file) const;

  Fd root_;
  std::string prefix_;  // the folder's own path, without a slash at the end
};

}  // namespace vambrace
