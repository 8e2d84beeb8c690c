#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "elf/image.h"

// One instruction, as far as the analysis needs to know it whatever the
// architecture.
namespace vambrace::elf {

struct Instruction {
  enum class Kind : std::uint8_t {
    Other,
    Call,    // to `target`, if it is told
    Jump,    // to `target`, if it is told; never goes on behind itself
    Branch,  // to `target`, or goes on
    Return,
    End,           // stops: what stands behind it is not run on from here
    Syscall,       // of the file's own architecture
    OtherSyscall,  // enters the kernel as another one (int 0x80, sysenter)
    Padding,       // does nothing, between functions
    Unknown,       // no instruction
  };
  // What a number in it speaks of.
  enum class Place : std::uint8_t {
    None,
    Address,  // the address itself, computed
    Memory,   // what is in memory there, read or written
  };
  Kind kind = Kind::Other;
  Place place = Place::None;
  std::uint8_t length = 1;
  bool has_target = false;
  std::uint64_t target = 0;
  // If place is not None. A call or jump with a place in memory goes where that
  // memory says.
  std::uint64_t address = 0;
  // In files with a fixed place: a number in it that may be an address, besides
  // the one above.
  bool has_immediate = false;
  std::uint64_t immediate = 0;
  // In all files: `immediate` has 64 bits, and may be a distance.
  bool wide = false;
  bool operator==(const Instruction&) const = default;
};

// A place that the instruction at `at` speaks of, where that takes more than
// one instruction to see.
struct Mention {
  enum class What : std::uint8_t {
    Address,  // forms the address
    Within,   // forms an address that may be within a variable
    Memory,   // reads or writes memory there
    Call,     // over a register
    Jump,     // over a register
  };
  std::uint64_t at = 0;
  std::uint64_t target = 0;
  What what = What::Address;
};

struct Mentions {
  std::vector<Mention> found;  // by where they are
  bool all = true;             // false: following them took too long
};

// Thread rule: one decoder, one thread.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // The first instruction of `code`, which stands at `address`. Unknown, with
  // the step to the next try as length, if there is none. `code` is not empty.
  // Absolute addresses are looked for if `absolute`: only such files have any.
  virtual Instruction decode(ByteView code, std::uint64_t address,
                             bool absolute) const = 0;
  // What decode() cannot tell, since it sees one instruction. None of x86-64.
  virtual Mentions find_mentions(const Image& /*image*/) const { return {}; }
};

std::unique_ptr<Decoder> make_x86_64_decoder();
std::unique_ptr<Decoder> make_aarch64_decoder();
std::unique_ptr<Decoder> make_decoder(kernel::Arch arch);

}  // namespace vambrace::elf
