#pragma once

#include <cstdint>
#include <vector>

#include "elf/aarch64/pieces.h"

// Which registers matter where: of which an address may still be taken further
// before something else is written there. What is handed over as an argument,
// compared or computed with goes no further, so that most of what registers
// happen to hold need not be followed.
namespace vambrace::elf::aarch64 {

class Live {
 public:
  explicit Live(Pieces& pieces);

  // At the beginning of a block; all registers where none is known to begin.
  RegisterSet at(std::uint64_t address) const;

 private:
  struct Anywhere {
    RegisterSet blocks = 0;   // anywhere in the function
    RegisterSet orphans = 0;  // in those that nothing is known to lead to
  };
  void pass(std::size_t piece);
  RegisterSet before(const Piece& piece, std::uint64_t index, RegisterSet after,
                     const Anywhere& here) const;

  Pieces& pieces_;
  // By piece and index; of the beginnings of blocks.
  std::vector<std::vector<RegisterSet>> live_;
  std::vector<Anywhere> functions_;  // by Pieces::function_number
  bool changed_ = false;
};

// The registers of which an instruction takes an address further: as a base, a
// summand, a copy. Sure to have all that Follower looks at.
RegisterSet taken_further(Word word);

}  // namespace vambrace::elf::aarch64
