#pragma once

#include <cstdint>
#include <vector>

#include "elf/image.h"

// Where a function goes on when something is thrown: its table of call sites
// (.gcc_except_table), which the personalities of C, C++, Rust, Ada and others
// read. Most of these places are in the function itself; compilers and tools
// that split functions put them elsewhere, and nothing but the table tells.
namespace vambrace::elf {

class LandingPads {
 public:
  explicit LandingPads(const Image& image)
      : image_(image), left_(image.bytes.size()) {}

  // What the table at that address has for the function that begins there.
  std::vector<std::uint64_t> read(std::uint64_t table, std::uint64_t function);
  // False if a table could not be read: some are missing.
  bool all() const { return all_; }

 private:
  const Image& image_;
  std::uint64_t left_;  // bytes: each table is read for one function
  bool all_ = true;
};

}  // namespace vambrace::elf
