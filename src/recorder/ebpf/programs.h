#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "recorder/ebpf/raw.h"

namespace vambrace::recorder::ebpf {

// Reads the build ids of programs while they (or their files) are still there.
// A file is believed only if inode and device are those that the kernel saw.
class Programs {
 public:
  // Looks at the image's program unless it is known already. `near` is a
  // process that may share its root (0: none).
  void look(std::uint32_t number, const vmb_image& image, std::uint32_t near);

  const std::map<std::uint32_t, BuildId>& build_ids() const { return ids_; }

 private:
  using File = std::tuple<std::uint32_t, std::uint64_t, std::uint64_t>;

  std::map<std::uint32_t, BuildId> ids_;
  std::map<File, std::string> known_;
};

}  // namespace vambrace::recorder::ebpf
