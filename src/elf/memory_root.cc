#include "elf/memory_root.h"

#include <algorithm>

namespace vambrace::elf {
namespace {

// As many links as the kernel follows (MAXSYMLINKS).
constexpr int kMaxLinks = 40;

// The parts of a path, the first one last.
std::vector<std::string> parts_reversed(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) {
      parts.emplace_back(path.substr(0, end));
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  std::ranges::reverse(parts);
  return parts;
}

template <class Map>
void add_names(const Map& map, const std::string& folder,
               std::set<std::string>& names) {
  for (auto it = map.lower_bound(folder);
       it != map.end() && it->first.starts_with(folder); ++it) {
    const std::string rest = it->first.substr(folder.size());
    names.insert(rest.substr(0, rest.find('/')));
  }
}

template <class Map>
bool any_below(const Map& map, const std::string& folder) {
  const auto it = map.lower_bound(folder);
  return it != map.end() && it->first.starts_with(folder);
}

}  // namespace

bool MemoryRoot::is_folder(const std::string& path) const {
  return path.empty() || any_below(files, path + "/") ||
         any_below(links, path + "/");
}

std::optional<std::string> MemoryRoot::resolve(const std::string& path) const {
  std::vector<std::string> todo = parts_reversed(path);
  std::string done;
  int followed = 0;
  while (!todo.empty()) {
    const std::string part = std::move(todo.back());
    todo.pop_back();
    if (!is_folder(done)) {
      return std::nullopt;
    }
    if (part == ".") {
      continue;
    }
    if (part == "..") {
      done.resize(done.empty() ? 0 : done.rfind('/'));
      continue;
    }
    const auto link = links.find(done + "/" + part);
    if (link == links.end()) {
      done += "/" + part;
      continue;
    }
    if (++followed > kMaxLinks) {
      return std::nullopt;
    }
    if (link->second.starts_with('/')) {
      done.clear();
    }
    std::ranges::move(parts_reversed(link->second), std::back_inserter(todo));
  }
  if (!files.contains(done) && !is_folder(done)) {
    return std::nullopt;
  }
  return done.empty() ? "/" : done;
}

bool MemoryRoot::is_file(const std::string& path) const {
  const auto found = resolve(path);
  return found && files.contains(*found);
}

Result<RootFile> MemoryRoot::read(const std::string& path,
                                  std::uint64_t limit) const {
  const auto found = resolve(path);
  if (!found) {
    return fail(ErrorCode::NotFound, "{}: no such file", path);
  }
  const auto file = files.find(*found);
  if (file == files.end()) {
    return fail(ErrorCode::InvalidInput, "{}: not a regular file", path);
  }
  if (file->second.size() > limit) {
    return fail(ErrorCode::InvalidInput, "{}: larger than {} bytes", path,
                limit);
  }
  return RootFile{*found, Bytes(file->second)};
}

Result<std::vector<std::string>> MemoryRoot::list(
    const std::string& folder) const {
  const auto found = resolve(folder);
  if (!found || files.contains(*found)) {
    return fail(ErrorCode::NotFound, "{}: no such folder", folder);
  }
  const std::string below = *found == "/" ? "/" : *found + "/";
  std::set<std::string> names;
  add_names(files, below, names);
  add_names(links, below, names);
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace vambrace::elf
