#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <unordered_map>

#include "policy/apparmor/seen_paths.h"

// Stores in which a file's name is a hash and the folders that it is in are
// named by a few digits of one: .git/objects/4d/134bc0..., nginx's
// proxy_cache. Which of these folders a run uses is chance, and those without a
// letter only look like numbers.
namespace vambrace::policy::apparmor {

// The name of a folder that could be such a level: one to three hexadecimal
// digits.
bool is_level(std::string_view name);

// No store has more of them above a hash.
inline constexpr std::size_t kMostLevels = 8;

// Sixteen hexadecimal digits or more, then nothing or a mark: 4d13...bc-d.
bool is_hash(std::string_view name);

class HashStores {
 public:
  // The paths must outlive it.
  explicit HashStores(const SeenPaths& paths);

  // How names lie below a folder (its path, without a slash at the end) whose
  // name could be a level: the lengths of the levels below and of the hash, as
  // one number each. Two folders with one in common are levels alike. Empty if
  // no hash was seen below.
  const std::set<std::uint32_t>& layouts(std::string_view folder) const;

 private:
  std::unordered_map<std::string_view, std::set<std::uint32_t>> layouts_;
};

}  // namespace vambrace::policy::apparmor
