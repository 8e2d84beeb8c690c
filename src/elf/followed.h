#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "elf/code.h"
#include "elf/image.h"
#include "elf/values.h"

// What values the functions of one file hand on, remembered.
namespace vambrace::elf {

using Moments = std::shared_ptr<const std::vector<Moment>>;

// Following a function over values takes longest of all that an analysis does,
// and depends on other files only in which calls come back. So what was found
// is found again as long as these do as before, in whatever process the file is
// loaded. The cost counts as if it was followed anew: an answer does not depend
// on what was analyzed before.
//
// Thread rule: one thread. The values live as long as this does.
class Followed {
 public:
  // As find_moments(), of a function of this code by its index.
  Moments moments(const Image& image, const Code& code, std::uint32_t function,
                  const Returns& returns, Effort& effort);

 private:
  struct Known {
    // How calls come back, of those that mattered.
    std::map<std::pair<std::uint64_t, bool>, Back> returns;
    std::uint64_t steps = 0;
    Moments moments;
  };
  static bool holds(const Known& known, const Returns& returns,
                    const Effort& effort);

  Choices choices_;
  std::unordered_map<std::uint32_t, Known> known_;
};

}  // namespace vambrace::elf
