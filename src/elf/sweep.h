#pragma once

#include <cstdint>
#include <vector>

#include "elf/image.h"

// All instructions of a file, read one after the other, and what they leave
// behind.
namespace vambrace::elf {

// What an instruction tells.
struct Event {
  enum class What : std::uint8_t {
    Call,
    Jump,
    Slot,
    Address,
    Within,
    Far,  // forms the address with a number of 64 bits
    Memory,
    Return,
    Table,  // of addresses that a jump goes to
    Site,
    OtherSite,
    Unknown,
    Runs,   // an instruction behind one that ends
    Stops,  // one that does not go on behind itself
  };
  std::uint64_t at = 0;
  std::uint64_t target = 0;
  What what = What::Call;
};

// A piece of the code that is read from its beginning on.
struct Region {
  Range bounds;
  bool framed = false;  // bounds of a function, from .eh_frame
};

// All code of the image, by address.
std::vector<Region> find_regions(const Image& image);

struct Swept {
  std::vector<Event> events;  // by address
  // False if following addresses that take several instructions took too long.
  bool all = true;
};

// Time and memory grow with the code.
Swept sweep(const Image& image, const std::vector<Region>& regions);

}  // namespace vambrace::elf
