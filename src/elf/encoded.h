#pragma once

#include <cstdint>
#include <optional>

#include "elf/bytes.h"
#include "elf/image.h"

// Addresses as tables for the unwinder have them (Linux Standard Base Core,
// "DWARF Exception Header Encoding"; DW_EH_PE_*).
namespace vambrace::elf {

// No address follows.
constexpr std::uint8_t kOmitted = 0xff;

// By the low four bits of its format. Fails for a format that is not known.
std::uint64_t take_number(Cursor& cursor, std::uint8_t format);

struct Encoded {
  std::optional<std::uint64_t> address;  // nullopt: none
  // The address meant stands there, in memory.
  bool stands_there = false;
};

// One that stands at `place`. Fails for what is relative to anything but its
// own place.
Encoded take_encoded(const Image& image, Cursor& cursor, std::uint8_t format,
                     std::uint64_t place);

}  // namespace vambrace::elf
