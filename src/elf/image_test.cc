#include "elf/image.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace vambrace::elf {
namespace {

// This very program: whatever the compiler and the linker make here.
const std::string& own_bytes() {
  static const std::string bytes = [] {
    std::ifstream file("/proc/self/exe", std::ios::binary);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
  }();
  return bytes;
}

extern "C" __attribute__((noinline)) int vambrace_known_function(int number) {
  return number * 3 + 1;
}

TEST(Image, ReadsTheProgramThatRuns) {
  const auto image = parse_image(own_bytes());
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_TRUE(image->faults.empty()) << image->faults.front();
  EXPECT_FALSE(image->build_id.empty());
  EXPECT_NE(image->interpreter.find("ld-"), std::string_view::npos);
  EXPECT_NE(std::ranges::find(image->needed, "libc.so.6"), image->needed.end());
  EXPECT_TRUE(image->is_code(image->entry));
  const auto known = std::ranges::find(
      image->local_symbols, "vambrace_known_function", &Symbol::name);
  ASSERT_NE(known, image->local_symbols.end());
  EXPECT_TRUE(known->function);
  // The unwinder's tables know it by the same bounds.
  const auto frame = std::ranges::lower_bound(image->frames, known->address, {},
                                              &Range::begin);
  ASSERT_NE(frame, image->frames.end());
  EXPECT_EQ(frame->begin, known->address);
  EXPECT_EQ(frame->end - frame->begin, known->size);
  EXPECT_EQ(vambrace_known_function(1), 4);
}

TEST(Image, KnowsVersionsOfWhatIsImported) {
  const auto image = parse_image(own_bytes());
  ASSERT_TRUE(image);
  const auto start =
      std::ranges::find(image->symbols, "__libc_start_main", &Symbol::name);
  ASSERT_NE(start, image->symbols.end());
  EXPECT_FALSE(start->defined);
  EXPECT_TRUE(start->version.starts_with("GLIBC_2."));
}

TEST(Image, RefusesWhatIsNoProgram) {
  EXPECT_EQ(parse_image("").error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(parse_image("#!/bin/sh\n").error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(parse_image("\x7f"
                        "ELF")
                .error()
                .code(),
            ErrorCode::InvalidInput);
  std::string other = own_bytes().substr(0, 4096);
  other[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(parse_image(other).error().code(), ErrorCode::Unsupported);
}

TEST(Image, SurvivesEveryCut) {
  const std::string& whole = own_bytes();
  for (std::size_t size = 0; size < 8192; size += 61) {
    static_cast<void>(parse_image(std::string_view(whole).substr(0, size)));
  }
  const auto half =
      parse_image(std::string_view(whole).substr(0, whole.size() / 2));
  if (half) {
    EXPECT_FALSE(half->faults.empty());
  }
}

TEST(Image, SurvivesAbsurdNumbersInEveryField) {
  // The header and the program headers, field by field.
  const std::string& whole = own_bytes();
  const auto header = read_at<Elf64_Ehdr>(whole, 0);
  std::string start = whole.substr(0, 1 << 16);
  const std::size_t end =
      header->e_phoff + header->e_phnum * sizeof(Elf64_Phdr);
  for (std::size_t at = EI_NIDENT; at + 8 <= end; at += 4) {
    for (const std::uint64_t number :
         {~0ULL, 0x7fffffffffffffffULL, 1ULL << 30, 0ULL}) {
      std::string changed = start;
      std::memcpy(changed.data() + at, &number, 8);
      static_cast<void>(parse_image(changed));
    }
  }
}

}  // namespace
}  // namespace vambrace::elf
