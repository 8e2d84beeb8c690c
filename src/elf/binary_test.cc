#include "elf/binary.h"

#include <gtest/gtest.h>

#include "elf/small_program.h"

namespace vambrace::elf {
namespace {

RootFile file_of(const std::string& path, std::string bytes) {
  return {path, Bytes(std::move(bytes))};
}

TEST(Binaries, LookThroughTheSameContentOnce) {
  Binaries binaries;
  const auto first = binaries.read(file_of("/a", program_with(39)));
  const auto again = binaries.read(file_of("/a", program_with(39)));
  ASSERT_TRUE(first && again);
  EXPECT_EQ(*first, *again);
  EXPECT_FALSE((*first)->code.functions.empty());
}

TEST(Binaries, LookThroughAFileThatChanged) {
  Binaries binaries;
  const auto first = binaries.read(file_of("/a", program_with(39)));
  const auto other = binaries.read(file_of("/a", program_with(39) + "x"));
  ASSERT_TRUE(first && other);
  EXPECT_NE(*first, *other);
  EXPECT_EQ((*other)->bytes.size(), (*first)->bytes.size() + 1);
  EXPECT_EQ(*other, *binaries.read(file_of("/a", program_with(39) + "x")));
}

TEST(Binaries, WhatWasGivenOutStaysWhenRoomIsMade) {
  const std::string bytes = program_with(39);
  Binaries binaries(bytes.size() + 1);
  const auto first = binaries.read(file_of("/a", bytes));
  const auto other = binaries.read(file_of("/b", bytes));
  ASSERT_TRUE(first && other);
  EXPECT_EQ((*first)->bytes.text(), bytes);
  // It was let go for the other, which is kept now.
  EXPECT_NE(*first, *binaries.read(file_of("/a", bytes)));
}

TEST(Binaries, KeepNothingLargerThanTheLimit) {
  const std::string bytes = program_with(39);
  Binaries binaries(bytes.size() - 1);
  const auto first = binaries.read(file_of("/a", bytes));
  const auto again = binaries.read(file_of("/a", bytes));
  ASSERT_TRUE(first && again);
  EXPECT_NE(*first, *again);
}

TEST(Binaries, RefuseWhatIsNoCode) {
  Binaries binaries;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(binaries.read(file_of("/a", "#!/bin/sh\n")).error().code(),
              ErrorCode::InvalidInput);
  }
}

}  // namespace
}  // namespace vambrace::elf
