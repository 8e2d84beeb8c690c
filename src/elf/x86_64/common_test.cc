#include "elf/x86_64/common.h"

#include <gtest/gtest.h>

#include <random>

namespace vambrace::elf {
namespace {

std::string text_of(const Instruction& one) {
  return fmt::format("kind {} length {} target {:#x} place {} at {:#x}",
                     static_cast<int>(one.kind), one.length,
                     one.has_target ? one.target : 0,
                     static_cast<int>(one.place), one.address);
}

// Every opcode of one and two bytes with every ModR/M, behind the prefixes that
// are common; what follows is random.
TEST(CommonInstructions, AreWhatTheDisassemblerTells) {
  const auto all = make_zydis_decoder();
  std::mt19937 random(1);
  std::size_t common = 0;
  for (const std::string prefix : {"", "\x66", "\x41", "\x48", "\x66\x4f"}) {
    for (const std::string escape : {"", "\x0f"}) {
      for (unsigned number = 0; number < 0x10000; ++number) {
        std::string code = prefix + escape + static_cast<char>(number >> 8U) +
                           static_cast<char>(number & 0xffU);
        while (code.size() < 20) {
          code += static_cast<char>(random());
        }
        const auto told = decode_common(code, 0x1000);
        if (told) {
          const Instruction expected = all->decode(code, 0x1000, false);
          ASSERT_EQ(*told, expected)
              << fmt::format("{:02x}: {}, not {}", fmt::join(code, " "),
                             text_of(expected), text_of(*told));
          ++common;
        }
      }
    }
  }
  EXPECT_GT(common, 200'000U);
}

TEST(CommonInstructions, EndWhereTheCodeDoes) {
  const auto all = make_zydis_decoder();
  // mov $0x11223344, 0x11223344(%rip); call; jmp; test $1, %al
  for (const std::string_view code :
       {std::string_view("\xc7\x05\x44\x33\x22\x11\x44\x33\x22\x11", 10),
        std::string_view("\xe8\x00\x00\x00\x00", 5),
        std::string_view("\xeb\x10", 2), std::string_view("\xf6\xc0\x01", 3)}) {
    const auto whole = decode_common(code, 0x1000);
    ASSERT_TRUE(whole);
    EXPECT_EQ(*whole, all->decode(code, 0x1000, false));
    for (std::size_t size = 0; size < code.size(); ++size) {
      EXPECT_FALSE(decode_common(code.substr(0, size), 0x1000)) << size;
    }
  }
}

}  // namespace
}  // namespace vambrace::elf
