#include "base/memory_files.h"

namespace vambrace {
namespace {

std::string as_folder(std::string path) {
  if (!path.ends_with('/')) {
    path += '/';
  }
  return path;
}

}  // namespace

Result<std::string> MemoryFiles::read(const std::string& path,
                                      std::uint64_t limit) const {
  read_paths.push_back(path);
  auto it = files.find(path);
  if (it == files.end()) {
    return fail(ErrorCode::NotFound, "{}: no such file", path);
  }
  if (it->second.size() > limit) {
    return fail(ErrorCode::InvalidInput, "{}: larger than {} bytes", path,
                limit);
  }
  return it->second;
}

Result<> MemoryFiles::write(const std::string& path, std::string_view bytes) {
  if (writes_until_full && written.size() >= *writes_until_full) {
    return fail(ErrorCode::Unavailable, "{}: no space left on device", path);
  }
  written.push_back(path);
  files[path] = std::string(bytes);
  return {};
}

Result<> MemoryFiles::write_all(const std::vector<NewFile>& all) {
  if (writes_until_full && written.size() + all.size() > *writes_until_full) {
    return fail(ErrorCode::Unavailable, "{}: no space left on device",
                all.back().path);
  }
  for (const auto& [path, bytes] : all) {
    written.push_back(path);
    files[path] = bytes;
  }
  return {};
}

void MemoryFiles::remove_staged(const std::string& directory) {
  const std::string folder = as_folder(directory);
  std::erase_if(files, [&](const auto& file) {
    return file.first.starts_with(folder) &&
           staged_name(std::string_view(file.first).substr(folder.size()));
  });
}

bool MemoryFiles::exists(const std::string& path) const {
  return files.contains(path) || is_directory(path);
}

bool MemoryFiles::is_directory(const std::string& path) const {
  const std::string folder = as_folder(path);
  auto it = files.lower_bound(folder);
  return it != files.end() && it->first.starts_with(folder);
}

bool MemoryFiles::is_regular(const std::string& path) const {
  return files.contains(path);
}

Result<std::vector<std::string>> MemoryFiles::list(
    const std::string& directory) const {
  const std::string folder = as_folder(directory);
  std::set<std::string> names;
  for (auto it = files.lower_bound(folder);
       it != files.end() && it->first.starts_with(folder); ++it) {
    const std::string rest = it->first.substr(folder.size());
    names.insert(rest.substr(0, rest.find('/')));
  }
  if (names.empty()) {
    return fail(ErrorCode::NotFound, "{}: no such folder", directory);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<> MemoryFiles::remove(const std::string& path) {
  files.erase(path);
  return {};
}

}  // namespace vambrace
