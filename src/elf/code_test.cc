// Ways on through a program that no call and no relocation tells.
#include "elf/code.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "elf/compiled_analysis.h"

namespace vambrace::elf {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

class ReachedCode : public CompiledAnalysis {
 protected:
  ReachedCode() : CompiledAnalysis("cc -fno-stack-protector", kMakesCalls) {}

  // What a program that is built so reaches; no gap explains anything.
  std::vector<std::string> reached(const std::string& source,
                                   const std::string& words) {
    const auto reach = reach_of(source, words);
    EXPECT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(gaps(*reach), IsEmpty()) << words;
    return names(*reach);
  }
};

const std::string kFixed = "-static -fno-pie -no-pie -s";
const std::string kMovable = "-static-pie -fpie -s";

TEST_F(ReachedCode, OfASwitchThatLeadsIntoAPartElsewhere) {
  const std::string source = R"(
volatile int v;
__attribute__((cold)) NOINLINE void rare(int x) { v = x; }
NOINLINE int f(int i, int z) {
  switch (i) {
    case 0: v = 3; v = z * 3; return 7;
    case 1: v = 5; v = z / 3; return 2;
    case 2: v = 8; v = z ^ v; return 9;
    case 3: rare(3); make(SYS_getuid); v = z; return 5;
    case 4: v = 77; v = z << v; return 3;
    case 5: v = 9; v += z; return 11;
    case 6: rare(z); make(SYS_getgid); v = 4 * z; return 1;
    case 7: v = 2; return 8;
    default: v = z * 9; v = z / 7; return 3;
  }
}
KEEP NOINLINE void unused(void) { make(SYS_reboot); }
void _start(void) { f(v, v); make(SYS_exit); }
)";
  for (const std::string& words : {kFixed, kMovable}) {
    const auto made =
        reached(source, words + " -freorder-blocks-and-partition");
    EXPECT_THAT(made, IsSupersetOf({"getuid", "getgid", "exit"})) << words;
    EXPECT_THAT(made, Not(Contains("reboot"))) << words;
  }
}

TEST_F(ReachedCode, OfALastCallThroughATable) {
  const std::string source = R"(
NOINLINE static int a(int x) { make(SYS_getuid); return 1; }
NOINLINE static int b(int x) { make(SYS_getgid); return 2; }
static int (*const tab[])(int) = {a, b, a, b};
NOINLINE int f(unsigned i) { return tab[i](i); }
volatile int v;
void _start(void) { f(v); make(SYS_exit); }
)";
  for (const std::string& words : {kFixed, kMovable}) {
    EXPECT_THAT(reached(source, words),
                IsSupersetOf({"getuid", "getgid", "exit"}))
        << words;
  }
}

TEST_F(ReachedCode, OfAFunctionThatBeginsWithAJumpThroughAVariable) {
  const std::string source = R"(
NOINLINE void f(void) {
  static void* next = &&one;
  goto *next;
one:
  make(SYS_getuid);
  next = &&two;
  return;
two:
  make(SYS_getgid);
  next = &&one;
}
void _start(void) { f(); make(SYS_exit); }
)";
  for (const std::string& words : {kFixed, kMovable}) {
    EXPECT_THAT(reached(source, words),
                IsSupersetOf({"getuid", "getgid", "exit"}))
        << words;
  }
}

TEST_F(ReachedCode, OfAnAddressThatIsPacked) {
  const std::string source = R"(
NOINLINE static void a(void) { make(SYS_getuid); }
NOINLINE static void b(void) { make(SYS_getgid); }
struct __attribute__((packed)) Entry { char c; void (*f)(void); };
static const struct Entry entries[] = {{1, a}, {2, b}};
volatile int v;
void _start(void) { entries[v].f(); make(SYS_exit); }
)";
  EXPECT_THAT(reached(source, kFixed),
              IsSupersetOf({"getuid", "getgid", "exit"}));
}

TEST_F(ReachedCode, OfATableOfDistances) {
  const std::string functions = R"(
KEEP void x(void) { make(SYS_getuid); }
KEEP void y(void) { make(SYS_getgid); }
KEEP NOINLINE void unused(void) { make(SYS_reboot); }
volatile int v;
__asm__(".section .rodata; .balign 8; tab: .long x-tab, y-tab; .text");
)";
  const std::string formed = functions + R"(
extern const int tab[];
void _start(void) {
  ((void (*)(void))((char*)tab + tab[v]))();
  make(SYS_exit);
}
)";
  // As with relative tables of virtual functions: an object points to it.
  const std::string pointed = functions + R"(
extern const int tab[];
const int* volatile object = tab;
void _start(void) {
  const int* table = object;
  ((void (*)(void))((char*)table + table[v]))();
  make(SYS_exit);
}
)";
  for (const std::string& words : {kFixed, kMovable}) {
    for (const std::string& source : {formed, pointed}) {
      if (words == kFixed && source == pointed) {
        continue;  // no relocation says that it is a pointer
      }
      const auto made = reached(source, words);
      EXPECT_THAT(made, IsSupersetOf({"getuid", "getgid", "exit"})) << words;
      EXPECT_THAT(made, Not(Contains("reboot"))) << words;
    }
  }
}

TEST_F(ReachedCode, BehindDataThatLooksLikeAnInstruction) {
  EXPECT_THAT(reached(R"(
void _start(void) {
  long result;
  __asm__ volatile("jmp 1f; .byte 0x48, 0xb8; 1: mov $102, %%eax; syscall;"
                   "nop; nop; nop; nop" : "=a"(result) : : "rcx", "r11", "memory");
  make(SYS_exit);
}
)",
                      kMovable),
              IsSupersetOf({"getuid", "exit"}));
}

TEST_F(ReachedCode, ThatSectionHeadersDoNotTellOf) {
  std::string bytes = compile(R"(
KEEP NOINLINE void hidden(void) { make(SYS_getuid); }
void _start(void) { hidden(); make(SYS_exit); }
)",
                              kFixed);
  Elf64_Ehdr header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const std::size_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
    Elf64_Shdr section{};
    std::memcpy(&section, bytes.data() + at, sizeof section);
    if ((section.sh_flags & SHF_EXECINSTR) != 0) {
      section.sh_size = 1;
      std::memcpy(bytes.data() + at, &section, sizeof section);
    }
  }
  root_.files["/t"] = bytes;
  const auto reach = analyze(root_, {.program = "/t"});
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), IsSupersetOf({"getuid", "exit"}));
}

TEST_F(ReachedCode, InAPartForDataIsAGap) {
  const auto reach = reach_of(R"(
__asm__(".section .rodata; made: mov $102, %eax; syscall; ret; .text");
void made(void);
void _start(void) { made(); make(SYS_exit); }
)",
                              kFixed + " -Wl,-z,noseparate-code");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(gaps(*reach), Contains(HasSubstr("said to hold none")));
}

// Calls, data and a table of jumps, all of them far away.
const std::string kFar = R"(
NOINLINE static void a(void) { make(SYS_getuid); }
NOINLINE void b(void) { make(SYS_getgid); }
NOINLINE static void c(void) { make(SYS_getppid); }
NOINLINE static void d(void) { make(SYS_geteuid); }
static void (*const table[])(void) = {c, c};
static void (*changed[])(void) = {d, d};
KEEP NOINLINE void unused(void) { make(SYS_reboot); }
volatile int v;
__attribute__((cold)) NOINLINE void rare(int x) { v = x; }
NOINLINE int f(int i, int z) {
  switch (i) {
    case 0: v = 3; v = z * 3; return 7;
    case 1: v = 5; v = z / 3; return 2;
    case 2: v = 8; v = z ^ v; return 9;
    case 3: rare(3); make(SYS_getegid); v = z; return 5;
    case 4: v = 77; v = z << v; return 3;
    case 5: v = 9; v += z; return 11;
    case 6: v = z; make(SYS_getpid); v = 4 * z; return 1;
    default: v = z * 9; v = z / 7; return 3;
  }
}
void _start(void) {
  a();
  b();
  table[v]();
  changed[v]();
  f(v, v);
  make(SYS_exit);
}
)";

TEST_F(ReachedCode, OfAddressesThatAreSumsInTheLargeModel) {
  for (const char* model :
       {"-mcmodel=large", "-mcmodel=medium -mlarge-data-threshold=1"}) {
    for (const char* more : {"-O2 -freorder-blocks-and-partition", "-O1"}) {
      const std::string words = fmt::format("{} {} {}", kMovable, model, more);
      const auto made = reached(kFar, words);
      EXPECT_THAT(made, IsSupersetOf({"getuid", "getgid", "getppid", "geteuid",
                                      "getegid", "getpid", "exit"}))
          << words;
      EXPECT_THAT(made, Not(Contains("reboot"))) << words;
    }
  }
}

TEST_F(ReachedCode, OfAddressesThatTheLoaderWritesIntoInstructions) {
  const std::string words =
      "-fno-pie -static-pie -s -mcmodel=large -Wl,-z,notext";
  const auto made = reached(kFar, words);
  EXPECT_THAT(made, IsSupersetOf({"getuid", "getgid", "getppid", "geteuid",
                                  "getegid", "getpid", "exit"}));
  EXPECT_THAT(made, Not(Contains("reboot")));
}

// A function of which only the unwinder knows what it calls when something is
// thrown: `personality` tells how.
std::string thrown(const std::string& personality) {
  const std::string held = personality.ends_with("slot") ? "routine" : "0";
  return R"(
KEEP void routine(void) { make(SYS_getuid); }
KEEP void* slot_filled_in[600] = {[100] = )" +
         held + R"(};
KEEP NOINLINE void unused(void) { make(SYS_reboot); }
void thrower(void);
__asm__(".text;"
  "thrower: .cfi_startproc; .cfi_personality )" +
         personality + R"(; .cfi_lsda 0x1b, table;"
  "nop; nop; ret; .cfi_endproc;"
  "elsewhere: .cfi_startproc; nop; nop;"
  "pad: mov %ebx, %eax; syscall; mov $104, %eax; syscall; hlt; .cfi_endproc;"
  ".set slot, slot_filled_in + 800;"
  ".section .gcc_except_table, \"a\";"
  "table: .byte 0x1b; .long elsewhere - .; .byte 0xff; .byte 1;"
  ".uleb128 2f - 1f; 1: .uleb128 0; .uleb128 1; .uleb128 pad - elsewhere;"
  ".uleb128 0; 2: .text");
void _start(void) { thrower(); make(SYS_exit); }
)";
}

TEST_F(ReachedCode, OfWhatOnlyTheUnwinderCalls) {
  const std::vector<std::pair<std::string, std::string>> ways = {
      {kFixed, "0x3, routine"},
      {kFixed, "0x9b, slot"},
      {kMovable, "0x1b, routine"},
      {kMovable, "0x9b, slot"}};
  for (const auto& [words, personality] : ways) {
    const auto reach = reach_of(thrown(personality), words);
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(names(*reach), IsSupersetOf({"getuid", "getgid", "exit"}))
        << words << personality;
    EXPECT_THAT(names(*reach), Not(Contains("reboot"))) << words;
    EXPECT_THAT(gaps(*reach), Contains(HasSubstr("number-unknown"))) << words;
  }
}

// Described as the runtime of Go describes programs; `form` is a number of its
// tables.
std::string of_go(const std::string& form) {
  return R"(
KEEP char built[] = "\xff Go buildinf:";
__asm__(".text; .balign 16; code:"
  "first: .cfi_startproc; ret; .cfi_endproc; .balign 16;"
  "method: .cfi_startproc; mov $102, %eax; syscall; ret; .cfi_endproc;"
  ".balign 16;"
  "last: .cfi_startproc; mov $169, %eax; syscall; ret; .cfi_endproc;"
  "end: .section .rodata; .balign 8;"
  "header: .long )" +
         form + R"(; .byte 0, 0, 1, 8; .quad 3;"
  "functions: .long first - code, 0, method - code, 0, last - code, 0,"
  "end - code, 0;"
  "methods: .long 5, 7, method - code, method - code;"
  ".data; .balign 8; module: .quad header; .fill 15, 8, 0;"
  ".quad functions, 4, 4, 0, code, end, code, end; .text");
void _start(void) { make(SYS_exit); }
)";
}

TEST_F(ReachedCode, OfMethodsThatGoFindsWhileItRuns) {
  for (const std::string& words : {kFixed, kMovable}) {
    const auto made = reached(of_go("0xfffffff1"), words);
    EXPECT_THAT(made, IsSupersetOf({"getuid", "exit"})) << words;
    EXPECT_THAT(made, Not(Contains("reboot"))) << words;
  }
}

TEST_F(ReachedCode, OfMethodsOfAnUnknownGoIsAGap) {
  const auto reach = reach_of(of_go("0xffffff00"), kFixed);
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(gaps(*reach), Contains(HasSubstr("while it runs")));
}

}  // namespace
}  // namespace vambrace::elf
