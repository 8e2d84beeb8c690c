#pragma once

#include <cstdint>
#include <vector>

#include "elf/aarch64/words.h"
#include "elf/image.h"

// The code of a file as blocks, for following what registers hold.
namespace vambrace::elf::aarch64 {

// A stretch of code. What is said of an instruction is by its index in it.
struct Piece {
  std::uint64_t begin = 0;
  std::uint64_t count = 0;
  ByteView bytes;
  // Where blocks begin: where jumps go, where functions begin, and behind what
  // does not go on behind itself.
  std::vector<bool> begins;
  // Of these, those that nothing is known to lead to: handlers of exceptions,
  // and places of jump tables.
  std::vector<bool> orphans;
  // Blocks to which something new came.
  std::vector<bool> waiting;

  Word word(std::uint64_t index) const {
    return *read_at<Word>(bytes, index * 4);
  }
  std::uint64_t address(std::uint64_t index) const { return begin + index * 4; }
  // Past the end if it is not here.
  std::uint64_t index_of(std::uint64_t address) const {
    return address % 4 == 0 ? (address - begin) / 4 : count;
  }
};

class Pieces {
 public:
  explicit Pieces(const Image& image);

  std::vector<Piece>& all() { return pieces_; }
  std::uint64_t words() const;
  Piece* at(std::uint64_t address);
  // Of the function around an address; where nothing tells, from one place that
  // is called to the next.
  Range function_around(std::uint64_t address) const;
  // The functions by number; each address has one.
  std::size_t functions() const { return starts_.size() + 1; }
  std::size_t function_number(std::uint64_t address) const;
  // Whether it is called somewhere: what jumps there is done, and hands over
  // arguments alone.
  bool is_called(std::uint64_t address) const;
  // Something new comes to the blocks of that function: to all, or to orphans.
  void wake(const Range& function, bool orphans);
  // The function before ends with a call, which does not come back.
  bool is_behind_last_call(const Piece& piece, std::uint64_t index) const;

 private:
  void find_blocks(Piece& piece);
  void find_starts();

  const Image& image_;
  std::vector<Piece> pieces_;
  std::vector<std::uint64_t> targets_, called_;
  std::vector<std::uint64_t> starts_;  // of functions, sorted
};

}  // namespace vambrace::elf::aarch64
