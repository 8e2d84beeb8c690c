// Instructions of x86-64, told by Zydis.
#include <Zydis/Zydis.h>

#include "elf/instruction.h"

namespace vambrace::elf {
namespace {

using Kind = Instruction::Kind;
using Place = Instruction::Place;

bool is_branch(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_JB:
    case ZYDIS_MNEMONIC_JBE:
    case ZYDIS_MNEMONIC_JCXZ:
    case ZYDIS_MNEMONIC_JECXZ:
    case ZYDIS_MNEMONIC_JL:
    case ZYDIS_MNEMONIC_JLE:
    case ZYDIS_MNEMONIC_JNB:
    case ZYDIS_MNEMONIC_JNBE:
    case ZYDIS_MNEMONIC_JNL:
    case ZYDIS_MNEMONIC_JNLE:
    case ZYDIS_MNEMONIC_JNO:
    case ZYDIS_MNEMONIC_JNP:
    case ZYDIS_MNEMONIC_JNS:
    case ZYDIS_MNEMONIC_JNZ:
    case ZYDIS_MNEMONIC_JO:
    case ZYDIS_MNEMONIC_JP:
    case ZYDIS_MNEMONIC_JRCXZ:
    case ZYDIS_MNEMONIC_JS:
    case ZYDIS_MNEMONIC_JZ:
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_LOOPE:
    case ZYDIS_MNEMONIC_LOOPNE:
    case ZYDIS_MNEMONIC_XBEGIN:
      return true;
    default:
      return false;
  }
}

Kind kind_of(const ZydisDecodedInstruction& decoded) {
  switch (decoded.mnemonic) {
    case ZYDIS_MNEMONIC_CALL:
      return Kind::Call;
    case ZYDIS_MNEMONIC_JMP:
      return Kind::Jump;
    case ZYDIS_MNEMONIC_RET:
    case ZYDIS_MNEMONIC_IRETQ:
      return Kind::Return;
    case ZYDIS_MNEMONIC_HLT:
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
      return Kind::End;
    case ZYDIS_MNEMONIC_SYSCALL:
      return Kind::Syscall;
    case ZYDIS_MNEMONIC_SYSENTER:
      return Kind::OtherSyscall;
    case ZYDIS_MNEMONIC_INT:
      return decoded.raw.imm[0].value.u == 0x80 ? Kind::OtherSyscall
                                                : Kind::Other;
    case ZYDIS_MNEMONIC_INT3:
    case ZYDIS_MNEMONIC_NOP:
      return Kind::Padding;
    default:
      return is_branch(decoded.mnemonic) ? Kind::Branch : Kind::Other;
  }
}

class X86Decoder : public Decoder {
 public:
  X86Decoder() {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64,
                     ZYDIS_STACK_WIDTH_64);
    ZydisDecoderEnableMode(&decoder_, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
  }

  Instruction decode(ByteView code, std::uint64_t address,
                     bool absolute) const override {
    Instruction out;
    ZydisDecodedInstruction decoded;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(
            &decoder_, nullptr, code.data(), code.size(), &decoded))) {
      out.kind = Kind::Unknown;
      return out;
    }
    out.length = decoded.length;
    out.kind = kind_of(decoded);
    const std::uint64_t next = address + decoded.length;
    if (decoded.raw.imm[0].is_relative) {
      out.has_target = true;
      out.target = next + decoded.raw.imm[0].value.u;
      return out;
    }
    const bool has_modrm = (decoded.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
    if (has_modrm && decoded.raw.modrm.mod == 0 && decoded.raw.modrm.rm == 5) {
      out.address = next + static_cast<std::uint64_t>(decoded.raw.disp.value);
      out.place = decoded.mnemonic == ZYDIS_MNEMONIC_LEA ? Place::Address
                                                         : Place::Memory;
    } else if (absolute) {
      find_absolute(decoded, has_modrm, out);
    }
    if (absolute && decoded.raw.imm[0].size >= 32) {
      out.has_immediate = true;
      out.immediate = decoded.raw.imm[0].value.u;
    }
    if (decoded.raw.imm[0].size == 64) {
      out.wide = true;
      out.immediate = decoded.raw.imm[0].value.u;
    }
    if (decoded.mnemonic == ZYDIS_MNEMONIC_NOP) {
      out.place = Place::None;
    }
    return out;
  }

 private:
  // In programs with a fixed place an address may be a displacement of 32 bits.
  static void find_absolute(const ZydisDecodedInstruction& decoded,
                            bool has_modrm, Instruction& out) {
    if (has_modrm && decoded.raw.modrm.mod != 3 &&
        decoded.raw.disp.size == 32 && decoded.raw.disp.value > 0) {
      out.address = static_cast<std::uint64_t>(decoded.raw.disp.value);
      // With a register beside it, memory anywhere behind it is meant.
      const bool alone =
          decoded.raw.modrm.mod == 0 && decoded.raw.modrm.rm == 4 &&
          decoded.raw.sib.base == 5 && decoded.raw.sib.index == 4;
      out.place = alone && decoded.mnemonic != ZYDIS_MNEMONIC_LEA
                      ? Place::Memory
                      : Place::Address;
    }
  }

  ZydisDecoder decoder_;
};

}  // namespace

std::unique_ptr<Decoder> make_x86_64_decoder() {
  return std::make_unique<X86Decoder>();
}

}  // namespace vambrace::elf
