#include "elf/kept_root.h"

#include "elf/once.h"

namespace vambrace::elf {
Result<RootFile> KeptRoot::read(const std::string& path,
                                std::uint64_t limit) const {
  const Key key(path, limit);
  if (const auto known = files_.find(key); known != files_.end()) {
    return known->second;
  }
  Result<RootFile> file = root_.read(path, limit);
  const std::size_t size = file ? file->bytes.size() : 0;
  if (size > limit_) {
    return file;
  }
  // What is asked for again comes back soon; which that is, nobody knows.
  if (bytes_ + size > limit_) {
    files_.clear();
    bytes_ = 0;
  }
  bytes_ += size;
  return files_.emplace(key, std::move(file)).first->second;
}

Result<RootDigest> KeptRoot::digest(const std::string& path,
                                    std::uint64_t limit) const {
  return once(digests_, {path, limit},
              [&] { return root_.digest(path, limit); });
}

std::optional<std::string> KeptRoot::resolve(const std::string& path) const {
  return once(places_, path, [&] { return root_.resolve(path); });
}

bool KeptRoot::is_file(const std::string& path) const {
  return once(are_files_, path, [&] { return root_.is_file(path); });
}

Result<std::vector<std::string>> KeptRoot::list(
    const std::string& folder) const {
  return once(lists_, folder, [&] { return root_.list(folder); });
}

}  // namespace vambrace::elf
