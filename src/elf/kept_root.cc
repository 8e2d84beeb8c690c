#include "elf/kept_root.h"

namespace vambrace::elf {
namespace {

template <class Map, class Ask>
const typename Map::mapped_type& kept(Map& known,
                                      const typename Map::key_type& key,
                                      Ask ask) {
  auto found = known.find(key);
  if (found == known.end()) {
    found = known.emplace(key, ask()).first;
  }
  return found->second;
}

}  // namespace

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
  return kept(digests_, {path, limit},
              [&] { return root_.digest(path, limit); });
}

std::optional<std::string> KeptRoot::resolve(const std::string& path) const {
  return kept(places_, path, [&] { return root_.resolve(path); });
}

bool KeptRoot::is_file(const std::string& path) const {
  return kept(are_files_, path, [&] { return root_.is_file(path); });
}

Result<std::vector<std::string>> KeptRoot::list(
    const std::string& folder) const {
  return kept(lists_, folder, [&] { return root_.list(folder); });
}

}  // namespace vambrace::elf
