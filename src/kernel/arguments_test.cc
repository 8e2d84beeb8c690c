#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/syscalls.h"

namespace vambrace::kernel {
namespace {

using Argument = ArgSpec::Argument;
using testing::ElementsAre;

const ArgSpec* spec(Arch arch, std::string_view name) {
  return arg_spec({arch, syscall_number(arch, name).value()});
}

TEST(ArgSpec, CutsIntegersTo32BitsOnEveryTable) {
  for (const Arch arch : {Arch::X86_64, Arch::X32, Arch::Aarch64}) {
    EXPECT_THAT(spec(arch, "socket")->arguments,
                ElementsAre(Argument{0, 0xffffffff}, Argument{1, 0xffffffff},
                            Argument{2, 0xffffffff}));
    EXPECT_THAT(spec(arch, "ioctl")->arguments,
                ElementsAre(Argument{1, 0xffffffff}));
    EXPECT_THAT(spec(arch, "prctl")->arguments,
                ElementsAre(Argument{0, 0xffffffff}));
  }
}

TEST(ArgSpec, KeepsUnsignedLongsWholeWhereRegistersAreWide) {
  for (const Arch arch : {Arch::X86_64, Arch::X32, Arch::Aarch64}) {
    EXPECT_THAT(spec(arch, "clone")->arguments,
                ElementsAre(Argument{0, ~0ULL}));
    EXPECT_THAT(spec(arch, "mmap")->arguments, ElementsAre(Argument{2, ~0ULL}));
  }
  EXPECT_THAT(spec(Arch::I386, "clone")->arguments,
              ElementsAre(Argument{0, 0xffffffff}));
}

TEST(ArgSpec, TakesTheCompatWidthOfX32sOwnNumbers) {
  EXPECT_THAT(spec(Arch::X86_64, "ptrace")->arguments,
              ElementsAre(Argument{0, ~0ULL}));
  EXPECT_THAT(spec(Arch::X32, "ptrace")->arguments,
              ElementsAre(Argument{0, 0xffffffff}));
}

TEST(ArgSpec, KnowsTheMultiplexersAndOddCallsOfI386) {
  EXPECT_THAT(spec(Arch::I386, "socketcall")->arguments,
              ElementsAre(Argument{0, 0xffffffff}));
  EXPECT_THAT(spec(Arch::I386, "mmap2")->arguments,
              ElementsAre(Argument{2, 0xffffffff}));
  // One pointer to six arguments.
  EXPECT_EQ(spec(Arch::I386, "mmap"), nullptr);
}

TEST(ArgSpec, SaysWhatAFilterCannotSee) {
  EXPECT_FALSE(spec(Arch::X86_64, "clone3")->filterable);
  EXPECT_FALSE(spec(Arch::Aarch64, "openat2")->filterable);
  EXPECT_TRUE(spec(Arch::X86_64, "openat")->filterable);
}

TEST(ArgSpec, IsAbsentForOrdinaryAndUnknownCalls) {
  EXPECT_EQ(spec(Arch::X86_64, "read"), nullptr);
  EXPECT_EQ(arg_spec({Arch::X86_64, 9999}), nullptr);
  // 41 is socket on x86-64 and dup on i386.
  EXPECT_EQ(arg_spec({Arch::I386, 41}), nullptr);
}

TEST(ArgSpec, ListsArgumentsInAscendingOrder) {
  for (const Arch arch : kAllArches) {
    std::size_t found = 0;
    for (const std::uint32_t nr : syscall_numbers(arch)) {
      const ArgSpec* one = arg_spec({arch, nr});
      if (one == nullptr) {
        continue;
      }
      ++found;
      EXPECT_TRUE(std::is_sorted(one->arguments.begin(), one->arguments.end()));
      EXPECT_LE(one->arguments.back().index, 5);
    }
    EXPECT_GE(found, 24U) << to_string(arch);
  }
}

}  // namespace
}  // namespace vambrace::kernel
