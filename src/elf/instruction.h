#pragma once

#include <cstdint>
#include <memory>

#include "elf/bytes.h"
#include "kernel/syscalls.h"

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
  bool operator==(const Instruction&) const = default;
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
};

// nullptr: files of that architecture are not analyzed yet.
std::unique_ptr<Decoder> make_decoder(kernel::Arch arch);

}  // namespace vambrace::elf
