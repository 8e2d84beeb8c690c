#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "recorder/ebpf/raw.h"

namespace vambrace::recorder::ebpf {

// Reads the build ids of programs while they (or their files) are still there.
// A file is believed only if inode and device are those that the kernel saw.
class Programs {
 public:
  // Looks at the image's program unless it is known already: by its process,
  // or through the root of another of its scope. `near` is one that may be
  // (0: none).
  void look(std::uint32_t number, const vmb_image& image, std::uint32_t near);

  // The same once all processes have ended: in folders that made up the roots
  // of containers, by inode and time of change.
  void look_in(const std::vector<std::string>& folders, std::uint32_t number,
               const vmb_image& image);

  const std::map<std::uint32_t, BuildId>& build_ids() const { return ids_; }

 private:
  using File = std::tuple<std::uint32_t, std::uint64_t, std::uint64_t>;

  // Processes of a scope in whose roots to look when one has ended.
  static constexpr std::size_t kNear = 8;

  std::map<std::uint32_t, BuildId> ids_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> near_;  // by scope
  std::map<File, std::string> known_;
};

}  // namespace vambrace::recorder::ebpf
