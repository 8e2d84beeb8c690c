#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "policy/apparmor/draft.h"
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

 private:
  struct Entry;
  struct Group;

  void enter(std::span<std::uint32_t> paths, std::string& directory);
  void descend(const Segment& segment, std::span<std::uint32_t> paths,
               std::string& directory);
  std::vector<Entry> entries(std::span<std::uint32_t> paths,
                             std::string_view directory) const;
  bool is_made(std::span<const std::uint32_t> paths) const;
  bool is_file(std::span<const std::uint32_t> paths) const;
  bool is_file_of_python(std::span<const std::uint32_t> paths) const;
  std::vector<Group> groups(std::vector<Entry>& entries,
                            std::optional<Form> Entry::* which) const;
  static bool is_told_better(const std::vector<Entry*>& members);
  bool is_enough(const std::vector<Entry*>& members, std::size_t needed) const;
  bool took_turns(const std::vector<Entry*>& members) const;
  bool ends_unnamed() const;
  bool names_a_run() const;
  void leave(std::span<const std::uint32_t> paths);
  Draft literal_draft(std::uint32_t index);

  const SeenPaths& paths_;
  // What the workload made and removed, without a slash at the end.
  std::unordered_set<std::string_view> made_;
  Purpose purpose_ = Purpose::Read;
  std::vector<const Segment*> trail_;
  std::size_t patterns_ = 0;  // segments of trail_ with a form
  std::deque<Segment> segments_;
  Drafts drafts_;
  std::map<std::string_view, std::string_view> kept_;
};

}  // namespace vambrace::policy::apparmor
