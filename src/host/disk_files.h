#pragma once

#include "base/files.h"

namespace vambrace {

// The real file system. Writes are atomic and durable: temporary file in the
// same folder, fsync, rename, fsync of the folder. What a writer that was
// killed left there goes with a later write of the same name, an hour on, or
// with remove_staged().
//
// Symbolic links are followed when reading; write() replaces the name itself.
// write_all(), whose files people keep and edit, follows a link of the user's
// own to a regular file, and replaces anybody else's: they choose no file that
// we write. A file that takes another's place there keeps its mode and owner,
// unless it lies where strangers may put files and is a stranger's. What is no
// regular file (/dev/stdout, a named pipe) is never replaced: write() writes
// into it, and write_all() refuses it with InvalidInput. While write_all()
// renames, the signals by which people end a program wait.
class DiskFiles : public Files {
 public:
  Result<std::string> read(
      const std::string& path,
      std::uint64_t limit = kDefaultFileLimit) const override;
  Result<> write(const std::string& path, std::string_view bytes) override;
  Result<> write_all(const std::vector<NewFile>& files) override;
  void remove_staged(const std::string& directory) override;
  bool exists(const std::string& path) const override;
  bool is_directory(const std::string& path) const override;
  bool is_regular(const std::string& path) const override;
  Result<std::vector<std::string>> list(
      const std::string& directory) const override;
  Result<> remove(const std::string& path) override;
};

// An errno as an Error: "open /x: No such file or directory". ENOENT becomes
// NotFound, EACCES and EPERM and ENOSPC Unavailable.
Error system_error(std::string_view what, int number);

}  // namespace vambrace
