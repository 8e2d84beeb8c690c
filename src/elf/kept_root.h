#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "elf/root.h"

// What several analyses ask of one root.
namespace vambrace::elf {

// Asks another root each question once, so that analyses that have most of
// their questions in common are told the same, and soon. Files are kept as far
// as there is room, and read again beyond that; their digests stay.
//
// The other root must outlive it. Thread rule: one thread.
class KeptRoot : public Root {
 public:
  // As much as Binaries keep, which have the same bytes.
  static constexpr std::size_t kKeptBytes = 64ULL << 20;

  explicit KeptRoot(const Root& root, std::size_t kept_bytes = kKeptBytes)
      : root_(root), limit_(kept_bytes) {}

  Result<RootFile> read(const std::string& path,
                        std::uint64_t limit = kMaxRootFile) const override;
  Result<RootDigest> digest(const std::string& path,
                            std::uint64_t limit = kMaxRootFile) const override;
  std::optional<std::string> resolve(const std::string& path) const override;
  bool is_file(const std::string& path) const override;
  Result<std::vector<std::string>> list(
      const std::string& folder) const override;

 private:
  using Key = std::pair<std::string, std::uint64_t>;  // path and limit

  const Root& root_;
  std::size_t limit_;
  mutable std::size_t bytes_ = 0;  // of the files
  mutable std::map<Key, Result<RootFile>> files_;
  mutable std::map<Key, Result<RootDigest>> digests_;
  mutable std::map<std::string, std::optional<std::string>> places_;
  mutable std::map<std::string, bool> are_files_;
  mutable std::map<std::string, Result<std::vector<std::string>>> lists_;
};

}  // namespace vambrace::elf
