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

std::uint32_t WordSets::of(std::vector<std::string_view> words) {
  std::ranges::sort(words);
  const auto doubles = std::ranges::unique(words);
  words.erase(doubles.begin(), doubles.end());
  const auto [number, is_new] =
      numbers_.try_emplace(words, static_cast<std::uint32_t>(sets_.size()));
  if (is_new) {
    sets_.push_back(std::move(words));
  }
  return number->second;
}

SeenPaths::SeenPaths(std::span<const Observation> seen,
                     const std::unordered_set<std::string_view>& made)
    : made_elsewhere_(made) {
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
  std::span<const Observation* const> rest(order);
  while (!rest.empty()) {
    const std::string_view path = rest.front()->path;
    const auto next = std::ranges::find_if(
        rest, [&](const Observation* one) { return one->path != path; });
    const auto size = static_cast<std::size_t>(next - rest.begin());
    add(rest.first(size));
    rest = rest.subspan(size);
  }
  split_names();
  note_made();
}

void SeenPaths::add(std::span<const Observation* const> of_one_path) {
  Path& path = paths_.emplace_back();
  path.bytes = of_one_path.front()->path;
  std::vector<std::string_view> recordings;
  std::vector<std::string_view> processes;
  for (const Observation* one : of_one_path) {
    path.access = both(path.access, one->access);
    path.owner = path.owner && one->owner.value_or(false);
    path.made = path.made || one->made ||
                (path.access.contains('c') && path.access.contains('d'));
    path.python = path.python || one->python;
    recordings.push_back(one->recording);
    processes.push_back(one->process);
  }
  path.recordings = sets_.of(std::move(recordings));
  path.processes = sets_.of(std::move(processes));
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
