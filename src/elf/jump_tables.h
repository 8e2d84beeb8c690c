#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "elf/image.h"

// Tables in a file that say where code goes on, and that no relocation tells
// of.
//
// Compilers make them for `switch`, and with relative vtables. Most targets are
// in the function that has the jump, where all is reached anyway; others are in
// a part of it that was put elsewhere (".cold"), or are functions that the last
// call of a function goes to. How long a table is, only the comparison before
// the jump says. It is taken to reach as far as its entries are addresses of
// code, or to the next table: what is too much is some way that is never
// taken.
namespace vambrace::elf {

class JumpTables {
 public:
  // `places` are addresses that code forms: where a table of distances may
  // begin; at those in `far` the distances may have 64 bits. `jumps` are those
  // that jumps read addresses from. In any order.
  JumpTables(const Image& image, std::vector<std::uint64_t> places,
             std::vector<std::uint64_t> far, std::vector<std::uint64_t> jumps);

  // Of the table of 32-bit distances, each from the table's beginning, that
  // begins there; empty: there is none.
  std::span<const std::uint64_t> distances_at(std::uint64_t table) const;
  // The same with 64 bits.
  std::span<const std::uint64_t> far_distances_at(std::uint64_t table) const;
  // The same of a table of addresses.
  std::span<const std::uint64_t> addresses_at(std::uint64_t table) const;

 private:
  struct Kind {
    std::map<std::uint64_t, std::pair<std::size_t, std::size_t>> tables;
    std::vector<std::uint64_t> targets;
    std::span<const std::uint64_t> at(std::uint64_t table) const;
  };
  Kind distances_;
  Kind far_distances_;
  Kind addresses_;
};

}  // namespace vambrace::elf
