#include "elf/analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/compiled_analysis.h"

namespace vambrace::elf {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

// Numbers of the generic table (asm-generic/unistd.h).
constexpr const char* kAarch64Common = R"(
#define NOINLINE __attribute__((noinline, noipa, used))
enum { DUP = 23, FSYNC = 82, SYNC = 81, EXIT = 93, SIGACTION = 134,
       REBOOT = 142, SETGID = 144, UMASK = 166, GETPID = 172, GETUID = 174,
       GETGID = 176, GETTID = 178, SOCKET = 198 };
static inline long raw(long number, long a, long b, long c) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
)";

// What clang makes of a source for aarch64, without any library.
class Aarch64Analysis : public CompiledAnalysis {
 protected:
  Aarch64Analysis()
      : CompiledAnalysis(
            "clang-19 --target=aarch64-linux-gnu -fuse-ld=lld-19 "
            "-fasynchronous-unwind-tables",
            kAarch64Common) {}
};

const std::vector<std::string> kAarch64Builds = {
    "-static-pie -fpie -s",
    "-static-pie -fpie",
    "-static -fno-pie -no-pie -s",
    "-static -fno-pie -no-pie -s -fno-asynchronous-unwind-tables",
    "-static-pie -fpie -s -mbranch-protection=standard",
    "-static -fno-pie -no-pie -s -mcmodel=large",
    "-static-pie -fpie -s -O0",
};

TEST_F(Aarch64Analysis, FindsCallsOfFunctionsThatAreCalledAndNoOthers) {
  for (const std::string& words : kAarch64Builds) {
    const auto reach = reach_of(R"(
NOINLINE void used(void) { raw(GETPID, 0, 0, 0); }
NOINLINE void unused(void) { raw(REBOOT, 0, 0, 0); }
void _start(void) { used(); raw(EXIT, 0, 0, 0); }
)",
                                words);
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_EQ(reach->arch, kernel::Arch::Aarch64);
    EXPECT_THAT(names(*reach), IsSupersetOf({"getpid", "exit"})) << words;
    if (!words.contains("-fno-asynchronous")) {
      EXPECT_THAT(names(*reach), Not(Contains("reboot"))) << words;
    }
    EXPECT_THAT(gaps(*reach), IsEmpty()) << words;
  }
}

TEST_F(Aarch64Analysis, FollowsPointersToFunctionsThatCodeSpeaksOf) {
  for (const std::string& words : kAarch64Builds) {
    const auto reach = reach_of(R"(
NOINLINE void first(void) { raw(GETUID, 0, 0, 0); }
NOINLINE void second(void) { raw(GETGID, 0, 0, 0); }
NOINLINE void third(void) { raw(GETTID, 0, 0, 0); }
void (*volatile table[2])(void) = {first, second};
void (*volatile chosen)(void);
void _start(void) {
  chosen = third;
  for (int i = 0; i < 2; ++i) table[i]();
  chosen();
  raw(EXIT, 0, 0, 0);
}
)",
                                words);
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(names(*reach), IsSupersetOf({"getuid", "getgid", "gettid"}))
        << words;
  }
}

// One register has the page, and parts of the code before and behind it, over
// jumps, add the rest.
TEST_F(Aarch64Analysis, APageIsFollowedOverJumpsAndTheFrame) {
  const auto reach = reach_of(R"(
NOINLINE void one(void) { raw(GETUID, 0, 0, 0); }
NOINLINE void two(void) { raw(GETGID, 0, 0, 0); }
NOINLINE void three(void) { raw(GETTID, 0, 0, 0); }
NOINLINE void four(void) { raw(SETGID, 0, 0, 0); }
void (*first)(void) = one;
void (*second)(void) = two;
void (*third)(void) = three;
void (*fourth)(void) = four;
__asm__(
    ".text\n.globl _start\n.type _start,%function\n_start:\n"
    ".cfi_startproc\n"
    "  sub sp, sp, #32\n"
    "  adrp x19, first\n"
    "  add x20, x19, :lo12:first\n"  // the others stand beside it
    "  b 2f\n"
    "1: ldr x0, [x20, #16]\n"  // third, before the page is formed
    "  blr x0\n"
    "  ldr x21, [sp, #8]\n"
    "  ldr x1, [x21, #24]\n"  // fourth
    "  blr x1\n"
    "  mov x8, #93\n  svc #0\n"
    "2: ldr x0, [x19, :lo12:first]\n"
    "  str x20, [sp, #8]\n"
    "  mov x22, x20\n"
    "  blr x0\n"
    "  add x23, x22, #8\n"
    "  ldr x0, [x23]\n"  // second
    "  blr x0\n"
    "  cbz x0, 1b\n"
    "  b 1b\n"
    ".cfi_endproc\n.size _start, .-_start\n");
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach),
              IsSupersetOf({"getuid", "getgid", "gettid", "setgid", "exit"}));
  EXPECT_THAT(gaps(*reach), IsEmpty());
}

// What only a neighbor's address tells may lie within a variable.
TEST_F(Aarch64Analysis, ABaseOfNeighborsDoesNotCutAVariable) {
  const auto reach = reach_of(R"(
NOINLINE void last(void) { raw(GETUID, 0, 0, 0); }
void* big[1000] = {[999] = last};
long beside = 1;
NOINLINE void* take(void* p) { return p; }
__asm__(
    ".text\n.globl touch\n.type touch,%function\ntouch:\n"
    ".cfi_startproc\n"
    "  adrp x0, big+4096\n"
    "  add x0, x0, :lo12:big+4096\n"
    "  ldr x1, [x0, #3904]\n"  // beside
    "  ret\n"
    ".cfi_endproc\n.size touch, .-touch\n");
void touch(void);
void _start(void) { take(big); touch(); raw(EXIT, 0, 0, 0); }
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), Contains("getuid"));
}

TEST_F(Aarch64Analysis, TiesNumbersThatAreHandedDown) {
  for (const std::string& words : kAarch64Builds) {
    const auto reach = reach_of(R"(
NOINLINE long inner(long number, long a) { return raw(number, a, 0, 0); }
NOINLINE long outer(long a, int number) { return inner(number, a) + 1; }
void _start(void) {
  outer(0, UMASK);
  outer(0, FSYNC);
  inner(EXIT, 0);
}
)",
                                words);
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(names(*reach), ElementsAre("fsync", "exit", "umask")) << words;
    EXPECT_THAT(gaps(*reach), IsEmpty()) << words;
  }
}

TEST_F(Aarch64Analysis, TiesNumbersThatAreHandedDownOnTheStack) {
  const auto reach = reach_of(R"(
NOINLINE long ninth(long a, long b, long c, long d, long e, long f, long g,
                    long h, long number) {
  return raw(number, a, b, c);
}
void _start(void) {
  ninth(1, 2, 3, 4, 5, 6, 7, 8, UMASK);
  raw(EXIT, 0, 0, 0);
}
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), ElementsAre("exit", "umask"));
  EXPECT_THAT(gaps(*reach), IsEmpty());
}

TEST_F(Aarch64Analysis, TiesNumbersThatAreChosen) {
  const auto reach = reach_of(R"(
volatile int choice;
NOINLINE long one_of(int which) {
  return raw(which ? UMASK : choice ? FSYNC : SYNC, which, 0, 0);
}
void _start(void) { one_of(choice); raw(EXIT, 0, 0, 0); }
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), ElementsAre("sync", "fsync", "exit", "umask"));
  EXPECT_THAT(gaps(*reach), IsEmpty());
}

TEST_F(Aarch64Analysis, ANumberThatIsComputedIsAGapAtItsPlace) {
  const auto reach = reach_of(R"(
volatile long number;
NOINLINE void computed(void) { raw(number, 0, 0, 0); }
void _start(void) { computed(); raw(EXIT, 0, 0, 0); }
)",
                              "-static-pie -fpie");
  ASSERT_TRUE(reach) << reach.error().message();
  ASSERT_EQ(reach->gaps.size(), 1U);
  EXPECT_EQ(reach->gaps[0].kind, "number-unknown");
  EXPECT_EQ(reach->gaps[0].function, "computed");
}

TEST_F(Aarch64Analysis, BoundsArgumentsThatAreConstants) {
  const auto reach = reach_of(R"(
NOINLINE long socket(int family, int type) {
  return raw(SOCKET, family, type, 0);
}
volatile int any;
void _start(void) { socket(2, any); socket(1, any); raw(EXIT, 0, 0, 0); }
)");
  ASSERT_TRUE(reach) << reach.error().message();
  ASSERT_EQ(names(*reach).back(), "socket");
  EXPECT_THAT(reach->calls.back().arguments,
              ElementsAre(ArgumentBound{0, {1, 2}}, ArgumentBound{2, {0}}));
}

TEST_F(Aarch64Analysis, WhoHandlesSignalsReturnsFromThem) {
  const auto reach = reach_of(
      "void _start(void) { raw(SIGACTION, 0, 0, 0); raw(EXIT, 0, 0, 0); }");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach),
              ElementsAre("exit", "rt_sigaction", "rt_sigreturn"));
}

TEST_F(Aarch64Analysis, FollowsLibrariesOfItsArchitectureAlone) {
  const std::string library = R"(
NOINLINE long wanted(void) { return raw(UMASK, 0, 0, 0); }
NOINLINE long other(void) { return raw(REBOOT, 0, 0, 0); }
)";
  for (const std::string protection :
       {"", " -mbranch-protection=standard -Wl,-z,force-bti"}) {
    root_.files["/usr/lib/aarch64-linux-gnu/libx.so.1"] =
        compile(library, "-shared -fpic -s -Wl,-soname,libx.so.1" + protection);
    // Found earlier, but of no use.
    std::string foreign = root_.files["/usr/lib/aarch64-linux-gnu/libx.so.1"];
    foreign[18] = 62;
    root_.files["/lib/aarch64-linux-gnu/libx.so.1"] = foreign;
    std::filesystem::copy_file(
        folder_ / "t", folder_ / "libx.so",
        std::filesystem::copy_options::overwrite_existing);
    root_.files["/t"] = compile(
        "long wanted(void);"
        "void _start(void) { wanted(); raw(EXIT, 0, 0, 0); }",
        "-fpie -pie -s -Wl,--dynamic-linker=/none -L" + folder_.string() +
            " -lx" + protection);
    const auto reach = analyze(root_, {.program = "/t"});
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(names(*reach), ElementsAre("exit", "umask"));
    ASSERT_EQ(reach->files.size(), 2U);
    EXPECT_EQ(reach->files[1].path, "/usr/lib/aarch64-linux-gnu/libx.so.1");
  }
}

// Without its svc a site is none: the control of all the others.
TEST_F(Aarch64Analysis, ASiteThatIsDroppedIsMissed) {
  const auto whole = reach_of(
      "void _start(void) { raw(UMASK, 0, 0, 0); raw(EXIT, 0, 0, 0); }");
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_THAT(names(*whole), ElementsAre("exit", "umask"));
  std::string bytes = root_.files["/t"];
  const std::string site("\x01\0\0\xd4", 4);
  const std::size_t at = bytes.find(site);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 4, "\x1f\x20\x03\xd5");
  root_.files["/t"] = bytes;
  const auto cut = analyze(root_, {.program = "/t"});
  ASSERT_TRUE(cut) << cut.error().message();
  EXPECT_THAT(names(*cut), ElementsAre("exit"));
}

TEST_F(Aarch64Analysis, SurvivesDamageAnywhere) {
  const std::string good = compile(R"(
NOINLINE long inner(long number, long a) { return raw(number, a, 0, 0); }
void (*volatile pointer)(void);
void _start(void) { inner(UMASK, 0); pointer(); raw(EXIT, 0, 0, 0); }
)",
                                   "-static-pie -fpie");
  unsigned state = 1;
  for (int round = 0; round < 300; ++round) {
    std::string bytes = good;
    for (int change = 0; change < 4; ++change) {
      state = state * 1664525 + 1013904223;
      bytes[(state >> 4) % bytes.size()] = static_cast<char>(state >> 24);
    }
    MemoryRoot root;
    root.files["/t"] = bytes;
    static_cast<void>(analyze(root, {.program = "/t"}));
  }
}

}  // namespace
}  // namespace vambrace::elf
