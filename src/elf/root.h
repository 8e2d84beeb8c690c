#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"

// The files of a container, as the analysis sees them.
namespace vambrace::elf {

// The bytes of one file. They never change: what happens to the file after it
// was read is not seen. Copies are cheap and share the bytes, which live until
// the last copy is gone; view() and text() are valid that long.
class Bytes {
 public:
  Bytes() = default;  // an empty file
  explicit Bytes(std::string bytes);
  // Shared, since an analysis, its cache and several images of one file keep
  // the same bytes and none of them knows which is the last.
  Bytes(std::shared_ptr<const std::uint8_t[]> bytes, std::size_t size)
      : bytes_(std::move(bytes)), size_(size) {}

  std::span<const std::uint8_t> view() const { return {bytes_.get(), size_}; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes_.get()), size_};
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::shared_ptr<const std::uint8_t[]> bytes_;
  std::size_t size_ = 0;
};

struct RootFile {
  std::string path;  // absolute in the root, no link, no ".." in it
  Bytes bytes;
};

struct RootDigest {
  std::string path;  // as in RootFile
  Digest content{};  // digest_of() the bytes
};

// What may be read of one file: the largest libraries that people ship have
// some 200 MB.
constexpr std::uint64_t kMaxRootFile = 512ULL << 20;
// Names that a folder may have.
constexpr std::size_t kMaxRootNames = 100'000;

// The root folder of a container, to find files in. Abstract so that the
// analysis is pure: host/root_files.h is the real one and elf/memory_root.h the
// twin for tests.
//
// Paths are those a process in the container would use; they begin at the root
// also without a slash in front. Symbolic links are followed, and neither an
// absolute one nor ".." leaves the root.
class Root {
 public:
  virtual ~Root() = default;

  // A regular file. NotFound if there is none, InvalidInput for a folder, a
  // device, a pipe or a socket (which are never waited for) and above `limit`
  // bytes.
  virtual Result<RootFile> read(const std::string& path,
                                std::uint64_t limit = kMaxRootFile) const = 0;

  // As read(), of a file that is only compared with what it was.
  virtual Result<RootDigest> digest(const std::string& path,
                                    std::uint64_t limit = kMaxRootFile) const;

  // The path of what is there with all links followed, as in RootFile. nullopt
  // if nothing is there, or it cannot be looked at.
  virtual std::optional<std::string> resolve(const std::string& path) const = 0;

  // True for a regular file.
  virtual bool is_file(const std::string& path) const = 0;

  // Names in a folder, sorted, without "." and "..". NotFound if there is no
  // such folder, InvalidInput above kMaxRootNames.
  virtual Result<std::vector<std::string>> list(
      const std::string& folder) const = 0;
};

}  // namespace vambrace::elf
