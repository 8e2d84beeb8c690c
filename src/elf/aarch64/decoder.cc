#include "elf/aarch64/decoder.h"

#include "elf/aarch64/mentions.h"

namespace vambrace::elf {
namespace aarch64 {
namespace {

using Kind = Instruction::Kind;

Instruction leads_to(Kind kind, std::uint64_t at, std::int64_t words) {
  return {.kind = kind,
          .length = 4,
          .has_target = true,
          .target = at + static_cast<std::uint64_t>(words * 4)};
}

// Unconditional branches to where a register says.
Kind kind_of_register_branch(Word word) {
  switch (field(word, 21, 4)) {
    case 0b0000:  // BR
    case 0b1000:  // BRAA, BRAB
      return Kind::Jump;
    case 0b0001:  // BLR
    case 0b1001:  // BLRAA, BLRAB
      return Kind::Call;
    case 0b0010:  // RET
      return Kind::Return;
    case 0b0100:  // ERET
    case 0b0101:  // DRPS
      return Kind::End;
    default:
      return Kind::Unknown;
  }
}

Kind kind_of_exception(Word word) {
  switch (word & 0x00e0001f) {
    case 0x00000001:  // SVC; Linux does not look at its immediate
      return Kind::Syscall;
    case 0x00200000:  // BRK
    case 0x00400000:  // HLT
      return Kind::End;
    default:
      return Kind::Other;
  }
}

class Aarch64Decoder : public Decoder {
 public:
  Instruction decode(ByteView code, std::uint64_t address,
                     bool /*absolute*/) const override {
    const std::uint64_t beside = address % 4;
    const auto word = read_at<Word>(code, 0);
    if (beside != 0 || !word) {
      return {.kind = Kind::Unknown,
              .length = static_cast<std::uint8_t>(4 - beside)};
    }
    return read_word(*word, address);
  }

  Mentions find_mentions(const Image& image) const override {
    return aarch64::find_mentions(image);
  }
};

}  // namespace

Instruction read_word(Word word, std::uint64_t at) {
  Instruction plain{.length = 4};
  if (is_call(word) || is_jump(word)) {
    return leads_to(is_call(word) ? Kind::Call : Kind::Jump, at,
                    signed_field(word, 0, 26));
  }
  if ((word & 0xff000000) == 0x54000000 ||  // B.cond, BC.cond
      (word & 0x7e000000) == 0x34000000) {  // CBZ, CBNZ
    return leads_to(Kind::Branch, at, signed_field(word, 5, 19));
  }
  if ((word & 0x7e000000) == 0x36000000) {  // TBZ, TBNZ
    return leads_to(Kind::Branch, at, signed_field(word, 5, 14));
  }
  if ((word & 0xfe000000) == 0xd6000000) {
    plain.kind = kind_of_register_branch(word);
  } else if ((word & 0xff000000) == 0xd4000000) {
    plain.kind = kind_of_exception(word);
  } else if (word == kNop) {
    plain.kind = Kind::Padding;
  } else if ((word & 0xffff0000) == 0) {  // UDF
    plain.kind = Kind::End;
  } else if (is_unallocated(word)) {
    plain.kind = Kind::Unknown;
  }
  return plain;
}

}  // namespace aarch64

std::unique_ptr<Decoder> make_aarch64_decoder() {
  return std::make_unique<aarch64::Aarch64Decoder>();
}

}  // namespace vambrace::elf
