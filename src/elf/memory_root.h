#pragma once

#include <map>
#include <set>

#include "elf/root.h"

namespace vambrace::elf {

// A root in memory, for tests and fuzz targets. Folders are there as far as
// files and links are below them.
class MemoryRoot : public Root {
 public:
  // Absolute paths without "..", and no link in their folders.
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> links;  // path to target

  Result<RootFile> read(const std::string& path,
                        std::uint64_t limit = kMaxRootFile) const override;
  std::optional<std::string> resolve(const std::string& path) const override;
  bool is_file(const std::string& path) const override;
  Result<std::vector<std::string>> list(
      const std::string& folder) const override;

 private:
  bool is_folder(const std::string& path) const;
};

}  // namespace vambrace::elf
