#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/apparmor/draft.h"
#include "policy/apparmor/hash_store.h"
#include "policy/apparmor/seen_paths.h"

// What one directory holds while it is walked (walk.h), and which of its names
// are followed as one.
namespace vambrace::policy::apparmor {

// One name in a directory, and the paths that go on from there: those that no
// group took.
struct Sibling {
  std::string_view name;
  std::span<std::uint32_t> paths;
  std::span<std::uint32_t> all;  // these, and those that groups took
  // Of these, sorted, what its group took as the level of a store of hashes.
  std::vector<std::uint32_t> stored;
  std::optional<Form> form;
  std::optional<Form> drawn;  // see drawn_form_of
  bool made = false;          // by the workload, which removed it again
  // A folder that a number tells from others here, but with nothing in it that
  // these have, too; some of them were written to.
  bool apart = false;
};

// What a path is to a name of the directory: the file of that name, the folder,
// or something in the folder.
enum class Role : std::uint8_t { File, Folder, Below };
using Roles = std::bitset<3>;

// The names that are followed as one.
struct Alike {
  Segment segment;
  Roles roles;  // that are
  std::vector<std::uint32_t> paths;
};

class Siblings {
 public:
  // `directory` is the pattern of the first `depth` names of all these paths,
  // with a slash at its end; each path goes on. What is given must outlive it,
  // and the paths change their order.
  Siblings(const SeenPaths& seen, const HashStores& stores, Purpose purpose,
           std::string_view directory, std::size_t depth,
           std::span<std::uint32_t> paths);

  // Takes the names that are alike from the entries.
  std::vector<Alike> groups();
  // Sorted by name.
  const std::vector<Sibling>& entries() const { return entries_; }

 private:
  Place place_of(std::span<const std::uint32_t> paths) const;
  bool is_made(std::span<const std::uint32_t> paths) const;
  bool is_file(std::span<const std::uint32_t> paths) const;
  bool is_file_of_python(std::span<const std::uint32_t> paths) const;
  void group_levels(std::vector<Alike>& out);
  bool are_levels(const std::vector<Sibling*>& members) const;
  bool is_stored(std::uint32_t index) const;
  void group_by(std::optional<Form> Sibling::* which, std::vector<Alike>& out);
  Role role_of(std::uint32_t index) const;
  std::string below(std::uint32_t index, std::string_view pattern) const;
  Roles in_common(const std::vector<Sibling*>& members,
                  std::string_view pattern) const;
  void take(Alike& group, Sibling& entry) const;
  bool are_written(const std::vector<Sibling*>& members) const;
  void take_counted(Alike& group, const std::vector<Sibling*>& members) const;
  bool is_enough(const std::vector<Sibling*>& members,
                 std::size_t needed) const;
  bool took_turns(const std::vector<Sibling*>& members) const;
  std::set<std::string_view> with_witness() const;

  const SeenPaths& seen_;
  const HashStores& stores_;
  Purpose purpose_;
  std::string_view directory_;
  std::size_t depth_;
  std::vector<Sibling> entries_;
};

}  // namespace vambrace::policy::apparmor
