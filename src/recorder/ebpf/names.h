#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "recorder/ebpf/raw.h"

// Where files are that a call only named. The kernel side keeps the name and
// the folder that it is relative to; AppArmor was asked about the file that the
// name leads to, over symbolic links.
namespace vambrace::recorder::ebpf {

// The roots of mount namespaces, held open so that links can be followed when
// the processes have ended. Not for threads.
class Roots {
 public:
  // The first holds the root of this process.
  Roots();

  // Keeps the root of the process for its namespace, in the place of the one
  // before: a container's first process begins with the host's. At most 64 are
  // kept; a process that has ended is no error.
  void look(std::uint32_t pid);
  // The same for a namespace of which no root is kept yet: of a process that
  // mounts, and may change its root next.
  void look_once(std::uint32_t pid);

  // The root of the namespace with that inode; -1 if none was kept.
  int of(std::uint32_t mount_ns) const;
  // Whether a root of another namespace than this process's own was kept.
  bool any_other() const { return roots_.size() > 1; }
  // Whether that is the namespace of this process.
  bool is_own(std::uint32_t mount_ns) const { return mount_ns == own_; }

 private:
  static constexpr std::size_t kMost = 64;

  std::uint32_t own_;
  std::map<std::uint32_t, Fd> roots_;
};

// The path below `root` with its links followed as they are now, the last one
// only if `last` says so. What is not there (any more) stays as it is named. A
// path with more than 40 links is left from there on, as the kernel would
// refuse it (path_resolution(7)). nullopt if it leads through a link of /proc
// or through what is there of a process: /proc/self is another for everybody,
// and would be this process itself.
std::optional<std::string> follow(int root, std::string_view path, bool last);

// Finds where the named files are, for path_of(), and the places of mounts, and
// which of them are folders: those that are there as such, and those of which
// nothing is left but that others were seen below them. Without a root to look
// in, a name stays as it is, and gaps_of() tells.
void follow_names(Raw& raw, const Roots& roots);

}  // namespace vambrace::recorder::ebpf
