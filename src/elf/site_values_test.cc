#include "elf/site_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/compiled_analysis.h"

namespace vambrace::elf {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

constexpr const char* kRawOfX86_64 = R"(
#define NOINLINE __attribute__((noinline, noclone, noipa))
enum { GETPID = 39, EXIT = 60, UMASK = 95, GETUID = 102 };
static inline __attribute__((always_inline)) long raw(long number) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number)
                   : "rcx", "r11", "memory");
  return result;
}
// Of what stands in memory.
#define RAW_OF(place) \
  __asm__ volatile("mov %0, %%rax; syscall" : : "m"(place) \
                   : "rax", "rcx", "r11", "memory")
)";

constexpr const char* kRawOfAarch64 = R"(
#define NOINLINE __attribute__((noinline, noipa))
enum { EXIT = 93, UMASK = 166, GETPID = 172, GETUID = 174 };
static inline __attribute__((always_inline)) long raw(long number) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0");
  __asm__ volatile("svc #0" : "=r"(x0) : "r"(x8) : "memory");
  return x0;
}
#define RAW_OF(place) \
  __asm__ volatile("ldr x8, %0; svc #0" : : "m"(place) \
                   : "x8", "x0", "memory")
)";

class ValuesOfX86_64 : public CompiledAnalysis {
 protected:
  ValuesOfX86_64()
      : CompiledAnalysis("cc -fno-stack-protector", kRawOfX86_64) {}
};

class ValuesOfAarch64 : public CompiledAnalysis {
 protected:
  ValuesOfAarch64()
      : CompiledAnalysis(
            "clang-19 --target=aarch64-linux-gnu -fuse-ld=lld-19 "
            "-fasynchronous-unwind-tables",
            kRawOfAarch64) {}
};

// The entry point hands the function over to one that calls it.
constexpr const char* kHandedOver = R"(
NOINLINE int main(long number) { return raw(number); }
NOINLINE void start(int (*function)(long)) { function(1); raw(EXIT); }
void _start(void) { start(main); }
)";

TEST_F(ValuesOfX86_64, AreUnknownWhereNobodyIsSeenToHandThemOver) {
  const auto reach = reach_of(kHandedOver);
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(gaps(*reach), Contains(HasSubstr("no known caller")));
}

TEST_F(ValuesOfAarch64, AreUnknownWhereNobodyIsSeenToHandThemOver) {
  const auto reach = reach_of(kHandedOver);
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(gaps(*reach), Contains(HasSubstr("no known caller")));
}

// A parameter that stands on the stack.
constexpr const char* kOverwrittenOnOneWay = R"(
volatile int choice;
NOINLINE long f(long a, long b, long c, long d, long e, long g, long h, long i,
                long number) {
  if (choice == 1) number = GETUID;
  return raw(number);
}
void _start(void) { f(0, 1, 2, 3, 4, 5, 6, 7, GETPID); raw(EXIT); }
)";

TEST_F(ValuesOfX86_64, AreUnknownInAnArgumentThatOneWayOverwrote) {
  const auto reach = reach_of(kOverwrittenOnOneWay, "-static-pie -fpie -O0");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(gaps(*reach), Not(IsEmpty()));
}

TEST_F(ValuesOfAarch64, AreUnknownInAnArgumentThatOneWayOverwrote) {
  const auto reach = reach_of(R"(
NOINLINE long f(void);
__asm__(".text; .type f,@function; f: .cfi_startproc;"
        "cbz x0, 1f; mov x1, #174; str x1, [sp];"
        "1: ldr x8, [sp]; svc #0; ret; .cfi_endproc; .size f,.-f");
void _start(void);
__asm__(".text; .globl _start; .type _start,@function; _start: .cfi_startproc;"
        "sub sp, sp, #16; mov x1, #172; str x1, [sp]; bl f;"
        "mov x8, #93; svc #0; .cfi_endproc; .size _start,.-_start");
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(gaps(*reach), Not(IsEmpty()));
}

TEST_F(ValuesOfX86_64, AreKnownInAnArgumentThatNobodyOverwrote) {
  const auto reach = reach_of(R"(
NOINLINE long f(long a, long b, long c, long d, long e, long g, long number) {
  volatile long other = a;
  if (other == 1) other = 2;
  return raw(number);
}
void _start(void) { f(0, 1, 2, 3, 4, 5, GETPID); raw(EXIT); }
)",
                              "-static-pie -fpie -O0");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), Contains("getpid"));
  EXPECT_THAT(gaps(*reach), IsEmpty());
}

constexpr const char* kIndexed = R"(
volatile long choice;
void _start(void) {
  long a[4];
  a[0] = GETPID; a[1] = 0; a[2] = 0; a[3] = 0;
  a[choice] = GETUID;
  RAW_OF(a[0]);
  raw(EXIT);
}
)";

TEST_F(ValuesOfX86_64, AreUnknownInAnArrayThatIsWrittenAtAnIndex) {
  for (const char* words : {"-static-pie -fpie -O0", "-static-pie -fpie -O2"}) {
    const auto reach = reach_of(kIndexed, words);
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(gaps(*reach), Not(IsEmpty())) << words;
  }
}

TEST_F(ValuesOfAarch64, AreUnknownInAnArrayThatIsWrittenAtAnIndex) {
  for (const char* words : {"-static-pie -fpie -O0", "-static-pie -fpie -O2"}) {
    const auto reach = reach_of(kIndexed, words);
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(gaps(*reach), Not(IsEmpty())) << words;
  }
}

TEST_F(ValuesOfX86_64, AreTheCallersOfAPlaceWithinAFunction) {
  const auto reach = reach_of(R"(
void g(void);
__asm__(".text; .type g,@function; g: .cfi_startproc; mov $102, %eax;"
        "call 1f; mov $39, %eax; 1: syscall; ret; .cfi_endproc; .size g,.-g");
void _start(void) { g(); raw(EXIT); }
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), IsSupersetOf({"getpid", "getuid"}));
}

TEST_F(ValuesOfAarch64, AreTheCallersOfAPlaceWithinAFunction) {
  const auto reach = reach_of(R"(
void g(void);
__asm__(".text; .type g,@function; g: .cfi_startproc; mov x8, #174;"
        "bl 1f; mov x8, #172; 1: svc #0; ret; .cfi_endproc; .size g,.-g");
void _start(void) { g(); raw(EXIT); }
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), IsSupersetOf({"getpid", "getuid"}));
}

TEST_F(ValuesOfX86_64, AreUnknownInBytesThatAConditionSets) {
  for (const char* code :
       {"movl $39, -8(%rsp); cmp $0, %rdi; setg -8(%rsp); mov -8(%rsp), %eax;",
        "mov $39, %eax; cmp $0, %rdi; setg %ah;"}) {
    const auto reach = reach_of(fmt::format(
        R"(__asm__(".text; .globl _start; .type _start,@function; _start:"
"{} syscall; mov $60, %eax; syscall; hlt; .size _start,.-_start");)",
        code));
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(gaps(*reach), Not(IsEmpty())) << code;
  }
}

TEST_F(ValuesOfX86_64, AreUnknownInAFrameThatIsFilled) {
  const auto reach = reach_of(R"(
__asm__(".text; .globl _start; .type _start,@function; _start:"
        "mov %rsp, %rbp; sub $64, %rsp; movq $39, 8(%rsp); mov %rsp, %rdi;"
        "mov $8, %ecx; mov $102, %eax; rep stosq; mov 8(%rsp), %rax; syscall;"
        "mov $60, %eax; syscall; hlt; .size _start,.-_start");
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(gaps(*reach), Not(IsEmpty()));
}

// Comes back a second time, when the number is another one.
constexpr const char* kComesBackAgain = R"(
volatile int came;
NOINLINE int setjmp(void) { return came; }
void _start(void) {
  volatile long number = GETPID;
  if (setjmp() == 0) { number = GETUID; raw(EXIT); }
  RAW_OF(number);
  raw(EXIT);
}
)";

TEST_F(ValuesOfX86_64, AreUnknownInAFrameToWhichACallComesBackAgain) {
  const auto reach = reach_of(kComesBackAgain, "-static-pie -fpie");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(gaps(*reach), Not(IsEmpty()));
}

TEST_F(ValuesOfAarch64, AreUnknownInAFrameToWhichACallComesBackAgain) {
  const auto reach = reach_of(kComesBackAgain, "-static-pie -fpie");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(gaps(*reach), Not(IsEmpty()));
}

}  // namespace
}  // namespace vambrace::elf
