#include "policy/apparmor/seen_paths.h"

#include <algorithm>

#include "policy/apparmor/draft.h"

namespace vambrace::policy::apparmor {
namespace {

std::size_t count_names(std::string_view path) {
  return path.starts_with('/')
             ? static_cast<std::size_t>(std::ranges::count(path, '/'))
             : 0;
}

void append_names(std::string_view path, std::vector<std::string_view>& out) {
  while (!path.empty()) {
    path.remove_prefix(1);
    out.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(out.back().size());
  }
}

}  // namespace

std::uint32_t WordSets::with(std::uint32_t set, std::string_view word) {
  const auto [at, is_new] = known_.try_emplace({set, word}, set);
  if (!is_new) {
    return at->second;
  }
  std::vector<std::string_view> words = sets_[set];
  const auto place = std::ranges::lower_bound(words, word);
  if (place == words.end() || *place != word) {
    words.insert(place, word);
    const auto [number, is_new_set] =
        numbers_.try_emplace(words, static_cast<std::uint32_t>(sets_.size()));
    if (is_new_set) {
      sets_.push_back(std::move(words));
    }
    at->second = number->second;
  }
  return at->second;
}

SeenPaths::SeenPaths(std::span<const Observation> seen) {
  std::vector<const Observation*> order;
  order.reserve(seen.size());
  for (const Observation& one : seen) {
    order.push_back(&one);
  }
  const auto before = [](const Observation* a, const Observation* b) {
    return a->path < b->path;
  };
  if (!std::ranges::is_sorted(order, before)) {
    std::ranges::sort(order, before);
  }
  paths_.reserve(order.size());
  for (const Observation* one : order) {
    add(*one);
  }
  split_names();
  note_made();
}

void SeenPaths::add(const Observation& one) {
  if (paths_.empty() || paths_.back().bytes != one.path) {
    paths_.emplace_back().bytes = one.path;
  }
  Path& path = paths_.back();
  path.access = both(path.access, one.access);
  path.owner = path.owner && one.owner.value_or(false);
  path.made = path.made || one.made ||
              (path.access.contains('c') && path.access.contains('d'));
  path.python = path.python || one.python;
  path.recordings = sets_.with(path.recordings, one.recording);
  path.processes = sets_.with(path.processes, one.process);
}

void SeenPaths::split_names() {
  std::size_t names = 0;
  for (const Path& path : paths_) {
    names += count_names(path.bytes);
  }
  names_.reserve(names);  // the spans point into it
  for (Path& path : paths_) {
    const std::size_t first = names_.size();
    if (path.bytes.starts_with('/')) {
      append_names(path.bytes, names_);
    }
    path.names = std::span(names_).subspan(first);
  }
}

void SeenPaths::note_made() {
  for (const Path& path : paths_) {
    if (path.made) {
      made_.insert(path.bytes.ends_with('/')
                       ? path.bytes.substr(0, path.bytes.size() - 1)
                       : path.bytes);
    }
  }
}

}  // namespace vambrace::policy::apparmor
