#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "elf/image.h"

// The functions of one file and what each of them speaks of.
//
// A function is the unit of reachability: once it is entered, all instructions
// between its bounds may run. That makes it unnecessary to follow jump tables
// within it to be sound, and costs little, since compilers put what is rarely
// needed into functions of their own (".cold"). Where tables lead out of it is
// an edge (jump_tables.h).
namespace vambrace::elf {

struct Edge {
  enum class Kind : std::uint8_t {
    Call,     // calls what is at the target
    Jump,     // jumps to it or falls into it: what it returns, this returns
    Slot,     // calls or jumps to where the memory at the target says
    Address,  // forms the address
    Within,   // forms it, but maybe within a variable that begins before
    Memory,   // reads or writes memory there
  };
  std::uint64_t target = 0;
  Kind kind = Kind::Call;
  auto operator<=>(const Edge&) const = default;
};

// Where the kernel is entered.
struct Site {
  std::uint64_t address = 0;
  bool own = true;  // false: as another architecture (int 0x80, sysenter)
};

struct Function {
  Range bounds;
  std::uint32_t first_edge = 0, edges = 0;  // into Code::edges
  std::uint32_t first_site = 0, sites = 0;  // into Code::sites
  // Whether it returns by itself, as far as its own instructions tell: a jump
  // to where a register says may be a return, too.
  bool returns = false;
  // Bytes that are no instructions: what comes behind them may be misread.
  bool undecoded = false;
};

// In the data: an address of a function, which no relocation tells of.
struct Word {
  std::uint64_t place = 0;
  std::uint64_t target = 0;
};

struct Code {
  std::vector<Function> functions;  // by address, apart from each other
  std::vector<Edge> edges;          // of each function sorted, without doubles
  std::vector<Site> sites;          // by address
  std::vector<Word> words;          // by place
  // Places inside of functions that others jump to: hand-written code, and
  // parts that the compiler put elsewhere (".cold"), on their way back. Sorted.
  std::vector<std::uint64_t> inner_entries;
  // False if what the code speaks of takes too long to tell: edges are missing.
  bool complete = true;
  // False if code goes on where the file says that none is.
  bool contained = true;
  // False if methods of Go could not be found: functions are missing in words.
  bool methods = true;

  std::span<const Edge> edges_of(const Function& function) const {
    return std::span(edges).subspan(function.first_edge, function.edges);
  }
  std::span<const Site> sites_of(const Function& function) const {
    return std::span(sites).subspan(function.first_site, function.sites);
  }
  // Those in this function.
  std::span<const std::uint64_t> entries_of(const Function& function) const;
  // The function around an address; nullopt if no function is there.
  std::optional<std::uint32_t> function_at(std::uint64_t address) const;
};

// Reads all code of the file once. Time and memory grow with its code and its
// symbols.
Code scan_code(const Image& image);

// If the code at an address only jumps to where a slot says (an entry of the
// procedure linkage table): the slot's address.
std::optional<std::uint64_t> stub_slot(const Image& image,
                                       std::uint64_t address);

}  // namespace vambrace::elf
