#include "elf/aarch64/words.h"

#include <capstone/capstone.h>
#include <gtest/gtest.h>

#include <random>
#include <string_view>

#include "elf/aarch64/decoder.h"

// Holds the reading of words against a disassembler, on words of each main
// group. What that does not know (extensions that are newer) is passed over.
namespace vambrace::elf::aarch64 {
namespace {

constexpr std::uint64_t kAt = 0x123456780;

class Words : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &handle_), CS_ERR_OK);
    cs_option(handle_, CS_OPT_DETAIL, CS_OPT_ON);
    found_ = cs_malloc(handle_);
  }
  void TearDown() override {
    cs_free(found_, 1);
    cs_close(&handle_);
  }

  // nullptr: no instruction that it knows.
  const cs_insn* told(Word word) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&word);
    std::size_t size = 4;
    std::uint64_t at = kAt;
    return cs_disasm_iter(handle_, &bytes, &size, &at, found_) ? found_
                                                               : nullptr;
  }

  const cs_arm64& detail() const { return found_->detail->arm64; }
  std::string_view name() const { return found_->mnemonic; }
  std::string text() const {
    return std::string(found_->mnemonic) + " " + found_->op_str;
  }

  // 0 to 30; 31 for the stack pointer and zero; 32: no general register.
  static unsigned number_of(unsigned name) {
    if (name >= ARM64_REG_X0 && name <= ARM64_REG_X28) {
      return name - ARM64_REG_X0;
    }
    if (name >= ARM64_REG_W0 && name <= ARM64_REG_W30) {
      return name - ARM64_REG_W0;
    }
    return name == ARM64_REG_X29   ? 29
           : name == ARM64_REG_X30 ? 30
           : name == ARM64_REG_SP || name == ARM64_REG_WSP ||
                   name == ARM64_REG_XZR || name == ARM64_REG_WZR
               ? 31
               : 32;
  }

  template <class Check>
  void for_words(unsigned count, Check check) {
    std::mt19937 dice(1);
    for (unsigned i = 0; i < count; ++i) {
      const Word word = static_cast<Word>(dice());
      if (told(word) != nullptr) {
        check(word);
      }
    }
  }

  csh handle_ = 0;
  cs_insn* found_ = nullptr;
};

TEST_F(Words, TargetsOfBranchesAreThoseOfADisassembler) {
  unsigned seen = 0;
  for_words(400'000, [&](Word word) {
    const Instruction ours = read_word(word, kAt);
    const bool jumps = name() == "b" || name() == "bl" ||
                       name().starts_with("b.") || name().starts_with("cb") ||
                       name().starts_with("tb");
    const bool vector = name().starts_with("tbl") || name().starts_with("tbx");
    ASSERT_EQ(ours.has_target, jumps && !vector) << text();
    if (ours.has_target) {
      const auto& last = detail().operands[detail().op_count - 1];
      ASSERT_EQ(ours.target, static_cast<std::uint64_t>(last.imm)) << text();
      ++seen;
    }
  });
  EXPECT_GT(seen, 10'000U);
}

TEST_F(Words, KindsAreThoseOfADisassembler) {
  using Kind = Instruction::Kind;
  const auto kind = [](Word word) { return read_word(word, kAt).kind; };
  EXPECT_EQ(kind(0xd4000001), Kind::Syscall);  // svc #0
  EXPECT_EQ(kind(0xd4001001), Kind::Syscall);  // svc #0x80
  EXPECT_EQ(kind(0xd4200000), Kind::End);      // brk #0
  EXPECT_EQ(kind(0), Kind::End);               // udf #0
  EXPECT_EQ(kind(0xd65f03c0), Kind::Return);   // ret
  EXPECT_EQ(kind(0xd65f0bff), Kind::Return);   // retaa
  EXPECT_EQ(kind(0xd61f0220), Kind::Jump);     // br x17
  EXPECT_EQ(kind(0xd71f0a30), Kind::Jump);     // braa x17, x16
  EXPECT_EQ(kind(0xd63f0020), Kind::Call);     // blr x1
  EXPECT_EQ(kind(0xd503201f), Kind::Padding);  // nop
  EXPECT_EQ(kind(0xd503245f), Kind::Other);    // bti c
  for_words(400'000, [&](Word word) {
    ASSERT_EQ(kind(word) == Kind::Syscall, name() == "svc") << text();
    ASSERT_EQ(kind(word) == Kind::Return, name().starts_with("ret")) << text();
  });
}

TEST_F(Words, AddressesAreThoseOfADisassembler) {
  unsigned seen = 0;
  for_words(400'000, [&](Word word) {
    ASSERT_EQ(is_adr(word), name() == "adr") << text();
    ASSERT_EQ(is_adrp(word), name() == "adrp") << text();
    if (is_adr(word) || is_adrp(word)) {
      ASSERT_EQ(adr_target(word, kAt),
                static_cast<std::uint64_t>(detail().operands[1].imm))
          << text();
      ++seen;
    }
  });
  EXPECT_GT(seen, 1'000U);
}

TEST_F(Words, MemoryOperandsAreThoseOfADisassembler) {
  unsigned seen = 0;
  for_words(1'000'000, [&](Word word) {
    if (!is_memory_group(word) || is_literal(word)) {
      return;
    }
    const auto ours = access_of(word);
    const cs_arm64_op* memory = nullptr;
    for (unsigned i = 0; i < detail().op_count; ++i) {
      if (detail().operands[i].type == ARM64_OP_MEM) {
        memory = &detail().operands[i];
      }
    }
    if (!ours || memory == nullptr) {
      return;
    }
    ASSERT_EQ(ours->base, number_of(memory->mem.base)) << text();
    ASSERT_EQ(ours->form == Access::Form::Register,
              memory->mem.index != ARM64_REG_INVALID)
        << text();
    if (ours->form == Access::Form::Offset ||
        ours->form == Access::Form::Before) {
      ASSERT_EQ(ours->offset, memory->mem.disp) << text();
    }
    ASSERT_EQ(ours->writes_base(), detail().writeback) << text();
    ++seen;
  });
  EXPECT_GT(seen, 30'000U);
}

TEST_F(Words, MasksOfBitsAreThoseOfADisassembler) {
  unsigned seen = 0;
  for_words(1'000'000, [&](Word word) {
    if ((word & 0x1f800000) != 0x12000000 || name() == "tst" ||
        name() == "mov") {
      return;
    }
    const auto mask = bit_mask(word);
    ASSERT_TRUE(mask) << text();
    const auto theirs = static_cast<std::uint64_t>(detail().operands[2].imm);
    ASSERT_EQ(*mask, is_wide(word) ? theirs : theirs & 0xffffffff) << text();
    ++seen;
  });
  EXPECT_GT(seen, 1'000U);
}

// Capstone 4 takes the first operand of comparisons for written, and the
// register that is added to the base of structures of vectors.
TEST_F(Words, RegistersThatAreWrittenAreAmongThoseTold) {
  unsigned seen = 0;
  for_words(1'000'000, [&](Word word) {
    ASSERT_EQ(written_for_sure(word) & ~written_at_most(word), 0U) << text();
    cs_regs read, written;
    std::uint8_t reads = 0, writes = 0;
    if (cs_regs_access(handle_, found_, read, &reads, written, &writes) != 0 ||
        name() == "bl" || name() == "blr" || name() == "svc" ||
        name() == "cmp" || name() == "cmn" || name() == "tst" ||
        (is_memory_group(word) && !access_of(word) && (word >> 26 & 1) != 0)) {
      return;
    }
    for (unsigned i = 0; i < writes; ++i) {
      const unsigned number = number_of(written[i]);
      if (number < 31) {
        ASSERT_NE(written_at_most(word) >> number & 1, 0U)
            << text() << " writes x" << number;
        ++seen;
      }
    }
  });
  EXPECT_GT(seen, 30'000U);
}

}  // namespace
}  // namespace vambrace::elf::aarch64
