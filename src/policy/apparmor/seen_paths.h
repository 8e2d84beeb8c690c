#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "policy/apparmor/generalize.h"

// What was seen, path by path: what generalize.h walks over.
namespace vambrace::policy::apparmor {

// Sets of words. Equal sets are kept once and named by a number; 0 is empty.
class WordSets {
 public:
  // Of these words, in any order and any number of times.
  std::uint32_t of(std::vector<std::string_view> words);
  // Sorted.
  const std::vector<std::string_view>& words(std::uint32_t set) const {
    return sets_[set];
  }

 private:
  std::vector<std::vector<std::string_view>> sets_{{}};
  std::map<std::vector<std::string_view>, std::uint32_t> numbers_{{{}, 0}};
};

struct Path {
  std::string_view bytes;
  std::span<const std::string_view> names;  // empty: not absolute
  std::string access;                       // sorted letters
  bool owner = true;
  bool made = false;             // and removed, by the workload
  bool python = false;           // no other program of the workload used it
  std::uint32_t recordings = 0;  // sets of SeenPaths
  std::uint32_t processes = 0;

  // The path up to the end of one of its names.
  std::string_view up_to(std::size_t name) const {
    return {bytes.begin(), names[name].end()};
  }
};

// Each path once, sorted by its bytes. What was observed, and what else was
// made and removed, must outlive it.
class SeenPaths {
 public:
  SeenPaths(std::span<const Observation> seen,
            const std::unordered_set<std::string_view>& made);

  std::size_t size() const { return paths_.size(); }
  const Path& operator[](std::size_t index) const { return paths_[index]; }
  const std::vector<std::string_view>& words(std::uint32_t set) const {
    return sets_.words(set);
  }

  // Whether the workload made and removed what has this path, without a slash
  // at its end.
  bool is_made(std::string_view path) const {
    return made_.contains(path) || made_elsewhere_.contains(path);
  }
  bool any_made() const { return !made_.empty() || !made_elsewhere_.empty(); }

 private:
  void add(std::span<const Observation* const> of_one_path);
  void split_names();
  void note_made();

  std::vector<Path> paths_;
  std::vector<std::string_view> names_;  // of all paths, one after the other
  WordSets sets_;
  std::unordered_set<std::string_view> made_;
  const std::unordered_set<std::string_view>& made_elsewhere_;
};

}  // namespace vambrace::policy::apparmor
