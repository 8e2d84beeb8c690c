#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "recorder/ebpf/ended.h"
#include "recorder/ebpf/maps.h"
#include "recorder/ebpf/names.h"
#include "recorder/ebpf/raw.h"

// What the folders hold into which a workload puts files, when the recording
// ends: an empty file system in the place of such a folder would hide what was
// there before. Calls do not tell it of things that are passed or looked at
// alone (links, stat, access). Folders in them do not count: an image has them
// everywhere (/run/lock, /var/lib/dpkg), and few programs want more of them
// than to be there.
namespace vambrace::recorder::ebpf {

// Fills Raw::found, Raw::owners and Raw::looked. Only in roots of other mount
// namespaces than this process's own: that one is no image's, and what else it
// holds is the machine's. The folders' files are somebody else's: no link leads
// out of the root, and nothing is opened but folders.
void look_around(Raw& raw, const Roots& roots);

// The same for the scopes whose first process has just ended: `docker run --rm`
// removes its container then, within a tenth of a second.
class FoundAtEnd {
 public:
  // The first process of the scope ended, perhaps not for the first time: a
  // workload may be started again and again.
  void ended(std::uint32_t scope) { ended_.add(scope); }
  // Looks at scopes that ended since and are due. What cannot be read is left
  // to look_around() at the end.
  void look(const Maps& maps, const Roots& roots);
  void add_to(Raw& raw) const;

 private:
  struct Found {
    std::set<std::string> others;
    std::map<std::string, evidence::OwnedFolder> owners;
  };

  Ended ended_;
  std::map<std::uint32_t, Found> found_;  // by scope
};

}  // namespace vambrace::recorder::ebpf
