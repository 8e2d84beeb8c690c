#include "policy/seccomp/cbpf.h"

#include <gtest/gtest.h>

#include "policy/seccomp/compare.h"
#include "policy/seccomp/trace.h"

namespace vambrace::policy::seccomp {
namespace {

constexpr std::uint32_t kReturnAllow = 0x7fff0000;
constexpr std::uint32_t kErrno = 0x50000;
constexpr std::uint32_t kAuditX86 = 0xc000003e;

constexpr Instruction load(std::uint32_t offset) {
  return {0x20, 0, 0, offset};
}
constexpr Instruction ret(std::uint32_t value) {
  return {0x06, 0, 0, value};
}
constexpr Instruction if_equal(std::uint32_t k, std::uint8_t jt,
                               std::uint8_t jf) {
  return {0x15, jt, jf, k};
}

TEST(Cbpf, RefusesWhatTheKernelRefuses) {
  const std::vector<std::pair<Program, std::string>> programs = {
      {{}, "a filter has 1 to 4096 instructions, this one 0"},
      {Program(4097, ret(0)),
       "a filter has 1 to 4096 instructions, this one 4097"},
      {{load(0)}, "instruction 0: the last one is no return"},
      {{load(64), ret(0)}, "instruction 0: a load outside of the call's data"},
      {{load(2), ret(0)}, "instruction 0: a load outside of the call's data"},
      {{if_equal(0, 1, 0), ret(0)}, "instruction 0: a jump past the end"},
      {{{0x05, 0, 0, 0xffffffff}, ret(0)},
       "instruction 0: a jump past the end"},
      {{{0x60, 0, 0, 3}, ret(0)},
       "instruction 0: a load of a scratch word that may never have been "
       "stored"},
      {{{0x02, 0, 0, 16}, ret(0)}, "instruction 0: a scratch word above 15"},
      {{{0x34, 0, 0, 0}, ret(0)}, "instruction 0: a division by zero"},
      {{{0x64, 0, 0, 32}, ret(0)}, "instruction 0: a shift by more than 31"},
      {{{0x94, 0, 0, 3}, ret(0)},
       "instruction 0: an opcode that seccomp does not run"},
      {{{0x28, 0, 0, 0}, ret(0)},
       "instruction 0: an opcode that seccomp does not run"},
  };
  for (const auto& [program, message] : programs) {
    const Result<> valid = validate(program);
    ASSERT_FALSE(valid) << message;
    EXPECT_EQ(valid.error().message(), message);
  }
}

TEST(Cbpf, AWordStoredOnOneWayOnlyMayNotBeLoaded) {
  const Program one_way = {
      load(0), if_equal(1, 0, 1), {0x02, 0, 0, 0}, {0x60, 0, 0, 0}, ret(0)};
  EXPECT_FALSE(validate(one_way));
  const Program both_ways = {{0x02, 0, 0, 0},   load(0),
                             if_equal(1, 0, 1), {0x02, 0, 0, 0},
                             {0x60, 0, 0, 0},   ret(0)};
  EXPECT_TRUE(validate(both_ways));
}

TEST(Cbpf, ReadsEveryWordOfTheCall) {
  const Call call{.nr = 1,
                  .arch = 2,
                  .ip = 0x400000003,
                  .args = {0x600000005, 0x800000007, 0, 0, 0, 0xb0000000a}};
  const auto word = [&](std::uint32_t offset) {
    return run(Program{load(offset), {0x16, 0, 0, 0}}, call);
  };
  EXPECT_EQ(word(0), 1U);
  EXPECT_EQ(word(4), 2U);
  EXPECT_EQ(word(8), 3U);
  EXPECT_EQ(word(12), 4U);
  EXPECT_EQ(word(16), 5U);
  EXPECT_EQ(word(20), 6U);
  EXPECT_EQ(word(28), 8U);
  EXPECT_EQ(word(56), 10U);
  EXPECT_EQ(word(60), 11U);
}

TEST(Cbpf, DividingByAZeroInXEndsWithZero) {
  const Program program = {{0x01, 0, 0, 0}, load(0), {0x3c, 0, 0, 0}, ret(7)};
  ASSERT_TRUE(validate(program));
  EXPECT_EQ(run(program, {.nr = 5}), 0U);
}

TEST(Cbpf, TellsWhichAllowsTheKernelKeepsInItsBitmap) {
  const Program program = {
      load(4),           if_equal(kAuditX86, 0, 6), load(0),
      if_equal(0, 0, 1), ret(kReturnAllow),         load(16),
      if_equal(1, 0, 1), ret(kReturnAllow),         ret(kErrno)};
  ASSERT_TRUE(validate(program));
  EXPECT_TRUE(constant_allow(program, kAuditX86, 0));
  EXPECT_FALSE(constant_allow(program, kAuditX86, 1));  // looks at an argument
  EXPECT_FALSE(constant_allow(program, 0x40000003, 0));
}

TEST(Trace, FindsWhatIsComparedAndACallForEachEnd) {
  // args[1] == 0x500000007
  const Program program = {load(28),          if_equal(5, 0, 3), load(24),
                           if_equal(7, 0, 1), ret(kReturnAllow), ret(kErrno)};
  ASSERT_TRUE(validate(program));
  const Trace traced = trace(program, kAuditX86, 0);
  EXPECT_EQ(traced.tests, (std::vector<seccomp::Test>{{24, 0xffffffff, 7},
                                                      {28, 0xffffffff, 5}}));
  bool reached = false;
  for (const Call& call : traced.witnesses) {
    reached = reached || run(program, call) == kReturnAllow;
  }
  EXPECT_TRUE(reached);
}

TEST(Compare, FindsTheOneCallThatDiffers) {
  const Program all = {ret(kReturnAllow)};
  const Program but_one = {load(0),     if_equal(321, 0, 3),
                           load(36),    if_equal(0xdead, 0, 1),
                           ret(kErrno), ret(kReturnAllow)};
  const std::vector<Difference> found = compare(all, but_one);
  ASSERT_EQ(found.size(), 4U);  // once for each architecture
  EXPECT_EQ(found[0].nr, 321U);
  EXPECT_EQ(found[3].nr, 321U);
  EXPECT_EQ(found[0].args[2] >> 32, 0xdeadU);
  EXPECT_EQ(found[0].left, (Outcome{Action::Allow, 0}));
  EXPECT_TRUE(compare(but_one, but_one).empty());
}

TEST(Compare, LooksAtTheNumbersOfX32AndPastAllTables) {
  const auto deny = [](std::uint32_t nr) {
    return Program{load(0), if_equal(nr, 0, 1), ret(kErrno), ret(kReturnAllow)};
  };
  for (const std::uint32_t nr : {0x40000000U, 0x40000221U, 0xffffffffU,
                                 0x7fffffffU, 0x80000000U, 700U, 123456U}) {
    EXPECT_FALSE(compare(deny(nr), Program{ret(kReturnAllow)}).empty()) << nr;
  }
}

}  // namespace
}  // namespace vambrace::policy::seccomp
