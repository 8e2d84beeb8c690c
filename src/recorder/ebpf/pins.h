#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace vambrace::recorder::ebpf {

// The folder of a bpffs where a recording's links and maps are pinned, held
// open: what is mounted over it meanwhile does not hide it. A link that is
// pinned nowhere else and that nobody holds ends when its pin is removed.
class Pins {
 public:
  // Makes the folder, in one that is root's own (own_folder()).
  static Result<Pins> make(const std::string& path);
  // Made before.
  static Result<Pins> open(const std::string& path);

  // The pin of that name, or all and the folder. An error names the first that
  // stays; the others are removed all the same.
  Result<> remove(const std::string& name) const;
  Result<> remove_all() const;

 private:
  Pins(std::string path, Fd above, Fd folder);

  std::string path_;
  Fd above_;
  Fd folder_;
};

}  // namespace vambrace::recorder::ebpf
