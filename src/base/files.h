#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vambrace {

// What a command may read from one file unless it says otherwise.
constexpr std::uint64_t kDefaultFileLimit = 256ULL << 20;

// A file as it is to be.
struct NewFile {
  std::string path;
  std::string bytes;
};

// The name of a file that write_all() had written out and not renamed yet, by
// the name under which it did: "policy.json" of ".policy.json.vambrace-Ab12Cd";
// nullopt for all other names.
std::optional<std::string_view> staged_name(std::string_view entry);

// The file system as commands see it. Abstract so that tests run without a
// disk and can make it fail; host/disk_files.h is the real one and
// base/memory_files.h the twin for tests.
//
// Paths are used as given (relative ones against the working directory).
class Files {
 public:
  virtual ~Files() = default;

  // The whole file. InvalidInput above `limit` bytes, NotFound if absent.
  virtual Result<std::string> read(
      const std::string& path,
      std::uint64_t limit = kDefaultFileLimit) const = 0;

  // All or nothing: a reader sees the old bytes or the new ones, also after a
  // crash (temporary file beside it, fsync, rename). On error the old file is
  // untouched and no temporary is left. Missing parent folders are created.
  virtual Result<> write(const std::string& path, std::string_view bytes) = 0;

  // Several files. Every one is written out beside its place before the first
  // is renamed, so a full disk changes nothing. They are renamed in the order
  // given: a crash between two renames leaves the first ones new and the others
  // old, each of them whole, and of the others a staged_name() beside it.
  virtual Result<> write_all(const std::vector<NewFile>& files) = 0;

  // Removes what write_all() of a process that was killed left in a folder, as
  // staged_name() tells. Only for who holds the folder against other writers. A
  // folder behind a link stays as it is: it may be held under another name.
  virtual void remove_staged(const std::string& directory) = 0;

  virtual bool exists(const std::string& path) const = 0;
  virtual bool is_directory(const std::string& path) const = 0;
  // Neither a folder nor what reading may wait for: a pipe, a device. Like
  // is_directory, false for what cannot be looked at.
  virtual bool is_regular(const std::string& path) const = 0;

  // Names in a folder, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(
      const std::string& directory) const = 0;

  // Not an error if it is not there.
  virtual Result<> remove(const std::string& path) = 0;
};

// As Files::read(), of a file in a folder that others may have filled:
// InvalidInput for what reading may wait for.
Result<std::string> read_regular(const Files& files, const std::string& path,
                                 std::uint64_t limit = kDefaultFileLimit);

}  // namespace vambrace
