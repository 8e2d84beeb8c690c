#include "elf/x86_64/common.h"

#include <algorithm>
#include <array>
#include <cstring>

// What the opcodes are: Intel's manual, volume 2, appendix A.
namespace vambrace::elf {
namespace {

using Kind = Instruction::Kind;
using Place = Instruction::Place;

// What stands behind an opcode.
enum class Form : std::uint8_t {
  Rare,   // not told here
  Plain,  // nothing
  Byte,   // a number of one byte
  Full,   // of four bytes, or two with a narrower operand
  Move,   // the same, or eight bytes with REX.W
  Jump1,  // a distance of one byte
  Jump4,  // of four
  // From here on: ModR/M, and a number behind it.
  Mod,
  ModByte,
  ModFull,
};

using Table = std::array<Form, 256>;

constexpr void fill(Table& table, unsigned first, unsigned last, Form form) {
  for (unsigned opcode = first; opcode <= last; ++opcode) {
    table[opcode] = form;
  }
}

// Opcodes of one byte.
constexpr Table one_byte_table() {
  Table table{};
  for (unsigned group = 0x00; group < 0x40; group += 8) {  // add, or, ... cmp
    fill(table, group, group + 3, Form::Mod);
    table[group + 4] = Form::Byte;
    table[group + 5] = Form::Full;
  }
  fill(table, 0x50, 0x5f, Form::Plain);  // push, pop
  table[0x63] = Form::Mod;               // movsxd
  table[0x68] = Form::Full;              // push
  table[0x69] = Form::ModFull;           // imul
  table[0x6a] = Form::Byte;
  table[0x6b] = Form::ModByte;
  fill(table, 0x70, 0x7f, Form::Jump1);  // by a condition
  table[0x80] = Form::ModByte;
  table[0x81] = Form::ModFull;
  table[0x83] = Form::ModByte;
  fill(table, 0x84, 0x8b, Form::Mod);  // test, xchg, mov
  table[0x8d] = Form::Mod;             // lea
  table[0x90] = Form::Plain;           // nop
  table[0x98] = table[0x99] = Form::Plain;
  table[0xa8] = Form::Byte;
  table[0xa9] = Form::Full;
  fill(table, 0xb0, 0xb7, Form::Byte);
  fill(table, 0xb8, 0xbf, Form::Move);
  table[0xc0] = table[0xc1] = Form::ModByte;  // shifts
  table[0xc3] = Form::Plain;                  // ret
  table[0xc6] = Form::ModByte;
  table[0xc7] = Form::ModFull;
  table[0xc9] = Form::Plain;                // leave
  table[0xcc] = Form::Plain;                // int3
  fill(table, 0xd0, 0xd3, Form::Mod);       // shifts
  table[0xe8] = table[0xe9] = Form::Jump4;  // call, jmp
  table[0xeb] = Form::Jump1;                // jmp
  table[0xf6] = table[0xf7] = Form::Mod;    // test has a number, too
  table[0xfe] = table[0xff] = Form::Mod;
  return table;
}

// Those behind 0x0f.
constexpr Table two_byte_table() {
  Table table{};
  table[0x05] = Form::Plain;              // syscall
  table[0x0b] = Form::Plain;              // ud2
  table[0x10] = table[0x11] = Form::Mod;  // movups, movupd
  table[0x1f] = Form::Mod;                // nop
  table[0x28] = table[0x29] = Form::Mod;  // movaps, movapd
  fill(table, 0x40, 0x4f, Form::Mod);     // cmovcc
  table[0x57] = Form::Mod;                // xorps
  fill(table, 0x80, 0x8f, Form::Jump4);
  fill(table, 0x90, 0x9f, Form::Mod);                                 // setcc
  table[0xa2] = Form::Plain;                                          // cpuid
  table[0xa3] = table[0xab] = table[0xb3] = table[0xbb] = Form::Mod;  // bt
  table[0xaf] = Form::Mod;                                            // imul
  table[0xb6] = table[0xb7] = table[0xbe] = table[0xbf] = Form::Mod;
  fill(table, 0xc8, 0xcf, Form::Plain);  // bswap
  table[0xef] = Form::Mod;               // pxor
  return table;
}

constexpr Table kOneByte = one_byte_table();
constexpr Table kTwoBytes = two_byte_table();

// No instruction is longer.
constexpr std::size_t kLongest = 15;

// At the bytes of one instruction, behind which there are enough to read on.
struct At {
  const char* bytes;
  unsigned length = 0;

  std::uint8_t take() { return static_cast<std::uint8_t>(bytes[length++]); }
  template <class T>
  T number(unsigned from) const {
    T number;
    std::memcpy(&number, bytes + from, sizeof number);
    return number;
  }
};

struct Opcode {
  bool narrow = false;  // 0x66
  std::uint8_t rex = 0;
  bool two = false;  // behind 0x0f
  std::uint8_t code = 0;
  Form form = Form::Rare;

  bool is(std::uint8_t one) const { return !two && code == one; }
  bool is_plain() const { return !narrow && rex == 0; }
};

Opcode take_opcode(At& at) {
  Opcode out;
  out.code = at.take();
  if (out.code == 0x66) {
    out.narrow = true;
    out.code = at.take();
  }
  if ((out.code & 0xf0U) == 0x40) {
    out.rex = out.code;
    out.code = at.take();
  }
  if (out.code == 0x0f) {
    out.two = true;
    out.code = at.take();
  }
  out.form = (out.two ? kTwoBytes : kOneByte)[out.code];
  return out;
}

// How many bytes the number behind everything else has.
unsigned number_size(const Opcode& opcode, std::uint8_t extension) {
  switch (opcode.form) {
    case Form::Byte:
    case Form::ModByte:
      return 1;
    case Form::Move:
      if ((opcode.rex & 8U) != 0) {
        return 8;
      }
      [[fallthrough]];
    case Form::Full:
    case Form::ModFull:
      return opcode.narrow && (opcode.rex & 8U) == 0 ? 2 : 4;
    case Form::Mod:
      if (opcode.is(0xf6) && extension == 0) {
        return 1;
      }
      if (opcode.is(0xf7) && extension == 0) {
        return opcode.narrow && (opcode.rex & 8U) == 0 ? 2 : 4;
      }
      return 0;
    default:
      return 0;
  }
}

// Kinds of what goes elsewhere by a distance; they have no prefix here.
Kind kind_of_distance(const Opcode& opcode) {
  if (opcode.is(0xe8)) {
    return Kind::Call;
  }
  return opcode.is(0xe9) || opcode.is(0xeb) ? Kind::Jump : Kind::Branch;
}

// Nothing behind the opcode. nullopt: means something else with a prefix.
std::optional<Kind> kind_of_plain(const Opcode& opcode) {
  Kind kind = Kind::Other;
  if (opcode.is(0x90) || opcode.is(0xcc)) {
    kind = Kind::Padding;
  } else if (opcode.is(0xc3)) {
    kind = Kind::Return;
  } else if (opcode.two && opcode.code == 0x05) {
    kind = Kind::Syscall;
  } else if (opcode.two && opcode.code == 0x0b) {
    kind = Kind::End;
  } else {
    return kind;
  }
  return opcode.is_plain() ? std::optional(kind) : std::nullopt;
}

// With ModR/M. nullopt: an extension that is not common.
std::optional<Kind> kind_of_mod(const Opcode& opcode, std::uint8_t modrm) {
  const unsigned extension = (modrm >> 3U) & 7U;
  if (opcode.two) {
    return opcode.code == 0x1f ? Kind::Padding : Kind::Other;
  }
  bool common = true;
  switch (opcode.code) {
    case 0x8d:
      common = modrm < 0xc0;
      break;
    case 0xc0:
    case 0xc1:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      common = extension != 6;
      break;
    case 0xc6:
    case 0xc7:
      common = extension == 0;
      break;
    case 0xf6:
    case 0xf7:
      common = extension != 1;
      break;
    case 0xfe:
      common = extension < 2;
      break;
    case 0xff:
      if ((extension == 2 || extension == 4) && !opcode.narrow) {
        return extension == 2 ? Kind::Call : Kind::Jump;
      }
      common = extension < 2 || extension == 6;
      break;
    default:
      break;
  }
  return common ? std::optional(Kind::Other) : std::nullopt;
}

// Past SIB and the displacement. True if that is relative to the instruction.
bool take_memory(At& at, std::uint8_t modrm) {
  const unsigned mod = modrm >> 6U, rm = modrm & 7U;
  if (mod == 3) {
    return false;
  }
  const bool relative = mod == 0 && rm == 5;
  unsigned displacement = mod == 1 ? 1 : mod == 2 || relative ? 4 : 0;
  if (rm == 4 && (at.take() & 7U) == 5 && mod == 0) {
    displacement = 4;
  }
  at.length += displacement;
  return relative;
}

// False: not common.
bool decode_mod(At at, const Opcode& opcode, std::uint64_t address,
                Instruction& out) {
  const std::uint8_t modrm = at.take();
  const auto kind = kind_of_mod(opcode, modrm);
  if (!kind) {
    return false;
  }
  out.kind = *kind;
  const bool relative = take_memory(at, modrm);
  const unsigned behind = at.length;
  at.length += number_size(opcode, (modrm >> 3U) & 7U);
  out.length = static_cast<std::uint8_t>(at.length);
  if (relative) {
    const std::int64_t distance = at.number<std::int32_t>(behind - 4);
    out.address = address + at.length + static_cast<std::uint64_t>(distance);
    out.place = out.kind == Kind::Padding ? Place::None
                : opcode.is(0x8d)         ? Place::Address
                                          : Place::Memory;
  }
  return true;
}

bool decode_jump(At at, const Opcode& opcode, std::uint64_t address,
                 Instruction& out) {
  if (!opcode.is_plain()) {
    return false;
  }
  const bool one = opcode.form == Form::Jump1;
  const std::int64_t distance = one ? at.number<std::int8_t>(at.length)
                                    : at.number<std::int32_t>(at.length);
  at.length += one ? 1 : 4;
  out.kind = kind_of_distance(opcode);
  out.length = static_cast<std::uint8_t>(at.length);
  out.has_target = true;
  out.target = address + at.length + static_cast<std::uint64_t>(distance);
  return true;
}

bool decode(At at, std::uint64_t address, Instruction& out) {
  const Opcode opcode = take_opcode(at);
  switch (opcode.form) {
    case Form::Rare:
      return false;
    case Form::Mod:
    case Form::ModByte:
    case Form::ModFull:
      return decode_mod(at, opcode, address, out);
    case Form::Jump1:
    case Form::Jump4:
      return decode_jump(at, opcode, address, out);
    default:
      break;
  }
  const auto kind = kind_of_plain(opcode);
  if (!kind) {
    return false;
  }
  out.kind = *kind;
  out.length = static_cast<std::uint8_t>(at.length + number_size(opcode, 0));
  return true;
}

}  // namespace

std::optional<Instruction> decode_common(ByteView code, std::uint64_t address) {
  std::optional<Instruction> out(std::in_place);
  std::array<char, kLongest> padded{};
  const char* bytes = code.data();
  if (code.size() < kLongest) {
    std::ranges::copy(code, padded.begin());
    bytes = padded.data();
  }
  if (!decode({bytes}, address, *out) || out->length > code.size()) {
    out.reset();
  }
  return out;
}

}  // namespace vambrace::elf
