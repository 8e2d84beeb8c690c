#include "policy/apparmor/hash_store.h"

#include <algorithm>
#include <span>

#include "policy/apparmor/letters.h"

namespace vambrace::policy::apparmor {
namespace {

constexpr std::size_t kLongestLevel = 3;
constexpr std::size_t kShortestHash = 16;
constexpr std::size_t kLongestHash = 128;

// Tells layouts apart: no name is as long.
constexpr std::uint32_t kBase = 256;

// The length of the hash that a name begins with; 0: it does not.
std::size_t hash_length(std::string_view name) {
  const std::string_view run = leading(name, alphanumerics());
  const bool fits = run.size() >= kShortestHash && run.size() <= kLongestHash;
  return fits && all_in(run, hex_digits()) ? run.size() : 0;
}

}  // namespace

bool is_level(std::string_view name) {
  return name.size() <= kLongestLevel && all_in(name, hex_digits());
}

bool is_hash(std::string_view name) {
  return hash_length(name) > 0;
}

HashStores::HashStores(const SeenPaths& paths) {
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::span<const std::string_view> names = paths[i].names;
    for (std::size_t hash = 1; hash < names.size(); ++hash) {
      const std::size_t length = hash_length(names[hash]);
      // Digits alone may be a moment.
      if (length == 0 || is_number(names[hash].substr(0, length))) {
        continue;
      }
      auto layout = static_cast<std::uint32_t>(length);
      const std::size_t end = hash - std::min(hash, kMostLevels);
      for (std::size_t at = hash; at > end && is_level(names[at - 1]); --at) {
        const std::string_view level = names[at - 1];
        layouts_[paths[i].up_to(at - 1)].insert(layout);
        layout = layout * kBase + static_cast<std::uint32_t>(level.size());
      }
    }
  }
}

const std::set<std::uint32_t>& HashStores::layouts(
    std::string_view folder) const {
  static const std::set<std::uint32_t> kNone;
  const auto found = layouts_.find(folder);
  return found == layouts_.end() ? kNone : found->second;
}

}  // namespace vambrace::policy::apparmor
