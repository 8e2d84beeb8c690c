#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/apparmor/draft.h"
#include "policy/apparmor/hash_store.h"
#include "policy/apparmor/seen_paths.h"

namespace vambrace::policy::apparmor {

// The paths are walked name by name from the root, all paths at once. Where a
// directory's entries have one form they are followed as one from there on, so
// that below /proc/12 and /proc/15 the same names meet. Reading, writing and
// mapping walk apart; what comes out with the same pattern is one rule.
class Walk {
 public:
  explicit Walk(const SeenPaths& paths);

  void follow(Purpose purpose);

  // Every letter of a path that must keep its name.
  void keep(std::uint32_t index);

  // Their segments live as long as the walk.
  Drafts& drafts() { return drafts_; }
  // By path, why no pattern may stand for it.
  const std::map<std::string_view, std::string_view>& kept() const {
    return kept_;
  }
  // By the pattern of their directory, the folders that a number tells apart
  // and that hold nothing in common.
  const std::map<std::string, std::set<std::string>>& apart() const {
    return apart_;
  }

 private:
  void enter(std::span<std::uint32_t> paths, std::string& directory);
  void descend(const Segment& segment, std::span<std::uint32_t> paths,
               std::string& directory);
  bool ends_unnamed() const;
  bool names_a_run() const;
  void leave(std::span<const std::uint32_t> paths);
  Draft literal_draft(std::uint32_t index);

  const SeenPaths& paths_;
  const HashStores stores_;
  Purpose purpose_ = Purpose::Read;
  std::vector<const Segment*> trail_;
  std::size_t patterns_ = 0;  // segments of trail_ with a form
  std::deque<Segment> segments_;
  Drafts drafts_;
  std::map<std::string_view, std::string_view> kept_;
  std::map<std::string, std::set<std::string>> apart_;
};

}  // namespace vambrace::policy::apparmor
