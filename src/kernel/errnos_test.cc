#include "kernel/errnos.h"

#include <gtest/gtest.h>
#include <string.h>  // strerrorname_np

namespace vambrace::kernel {
namespace {

TEST(Errnos, AgreeWithTheCLibrary) {
  std::size_t known = 0;
  for (int number = 1; number < 512; ++number) {
    const char* theirs = strerrorname_np(number);
    if (theirs == nullptr) {
      EXPECT_EQ(errno_name(number), "E" + std::to_string(number));
      continue;
    }
    ++known;
    EXPECT_EQ(errno_number(theirs), number) << theirs;
  }
  EXPECT_GT(known, 120U);
  EXPECT_EQ(errno_name(95), "EOPNOTSUPP");
}

TEST(Errnos, NameWhatOnlyTheKernelSees) {
  EXPECT_EQ(errno_name(512), "ERESTARTSYS");
  EXPECT_EQ(errno_name(516), "ERESTART_RESTARTBLOCK");
  EXPECT_EQ(errno_number("ERESTARTNOHAND"), 514U);
}

TEST(Errnos, RoundTripWithOneNameEach) {
  for (std::uint32_t number = 0; number <= 4095; ++number) {
    EXPECT_EQ(errno_number(errno_name(number)), number);
  }
  EXPECT_EQ(errno_number("E1"), std::nullopt);  // EPERM is its name
  EXPECT_EQ(errno_number("E4096"), std::nullopt);
  EXPECT_EQ(errno_number("E0200"), std::nullopt);
  EXPECT_EQ(errno_number("EBOGUS"), std::nullopt);
  EXPECT_EQ(errno_number(""), std::nullopt);
}

}  // namespace
}  // namespace vambrace::kernel
