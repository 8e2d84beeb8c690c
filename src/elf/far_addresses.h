#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "elf/image.h"
#include "elf/instruction.h"

// Addresses in movable code of the large and of the medium model.
//
// It holds them as numbers of 64 bits, which it adds to the address of the
// file's table of addresses (_GLOBAL_OFFSET_TABLE_). That one it forms likewise
// from the address of one of its own instructions, or as others do (System V
// ABI for x86-64, 3.5.3). Which register holds what is not followed: a number
// counts if something of the file stands that far from the table.
namespace vambrace::elf {

class FarAddresses {
 public:
  explicit FarAddresses(const Image& image);

  // Instructions of another region follow.
  void begin(const Range& region);
  void note(const Instruction& found, std::uint64_t at) {
    if (found.wide) {
      add_number(found.immediate, at);
    } else if (found.place == Instruction::Place::Address) {
      formed_.push_back(found.address);
    }
  }

  // Where they are and what they are of, of all regions, in the order of the
  // regions.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> find();
  // False if that took too long: some are missing.
  bool all() const { return left_ > 0; }

 private:
  struct Number {
    std::uint64_t at = 0;
    std::uint64_t distance = 0;
  };

  void add_number(std::uint64_t number, std::uint64_t at);
  void end_region();
  void add_tables(std::uint64_t formed);
  std::vector<std::uint64_t> find_tables() const;

  const Image& image_;
  std::uint64_t span_ = 0;  // of all segments
  Range region_;
  std::vector<std::uint64_t> formed_;  // addresses, in this region
  std::size_t first_ = 0;              // number of this region
  std::vector<Number> numbers_;
  // Where the table may be, as often as it is said.
  std::vector<std::uint64_t> tables_;
  // Steps: files may be made to take forever.
  std::uint64_t left_ = 4'000'000;
};

}  // namespace vambrace::elf
