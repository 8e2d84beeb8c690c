#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"

namespace vambrace {

// A file system in memory, for tests. Records what was read and written, and
// fails on demand.
class MemoryFiles : public Files {
 public:
  std::map<std::string, std::string> files;
  // Each write after this many fails as a full disk does.
  std::optional<std::size_t> writes_until_full;
  std::vector<std::string> written;
  mutable std::vector<std::string> read_paths;

  Result<std::string> read(
      const std::string& path,
      std::uint64_t limit = kDefaultFileLimit) const override;
  Result<> write(const std::string& path, std::string_view bytes) override;
  Result<> write_all(const std::vector<NewFile>& all) override;
  void remove_staged(const std::string& directory) override;
  bool exists(const std::string& path) const override;
  bool is_directory(const std::string& path) const override;
  bool is_regular(const std::string& path) const override;
  Result<std::vector<std::string>> list(
      const std::string& directory) const override;
  Result<> remove(const std::string& path) override;
};

}  // namespace vambrace
