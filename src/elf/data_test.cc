#include "elf/data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/compiled_analysis.h"

namespace vambrace::elf {
namespace {

using testing::IsSupersetOf;

// What stands at the beginning of the data may be reached by luck: startup
// code speaks of it. So the variables meant stand between large others.
constexpr const char* kDataCommon = R"(
#include <stddef.h>
#include <sys/syscall.h>
#define NOINLINE __attribute__((noinline, noclone, noipa))
#define KEEP __attribute__((used))
#define PUT(part) __attribute__((used, section(".meant." part)))
static inline long raw(long number) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number)
                   : "rcx", "r11", "memory");
  return result;
}
NOINLINE static void a(void) { raw(SYS_getuid); }
NOINLINE static void b(void) { raw(SYS_getgid); }
NOINLINE static void c(void) { raw(SYS_getppid); }
PUT("0") static char before[4096] = {1};
)";

// What is meant stands in sections of its own, in the order of the source.
class DataReach : public CompiledAnalysis {
 protected:
  DataReach()
      : CompiledAnalysis("cc -fno-stack-protector -fno-toplevel-reorder",
                         kDataCommon) {}
};

constexpr const char* kWithSymbols = "-static-pie -fpie";

TEST_F(DataReach, AListGoneThroughByItsMembersCallsWhatStandsBeforeThem) {
  const auto reach = reach_of(R"(
struct link { struct link* next; };
struct item { void (*call)(void); long more[40]; struct link link; };
PUT("1") static struct item second = {b, {2}, {0}};
PUT("1") static struct item first = {a, {1}, {&second.link}};
PUT("2") static char between[4096] = {1};
PUT("3") static struct link head = {&first.link};
void _start(void) {
  for (struct link* at = ((volatile struct link*)&head)->next; at != 0;
       at = at->next) {
    ((struct item*)((char*)at - offsetof(struct item, link)))->call();
  }
  raw(SYS_exit);
}
)",
                              kWithSymbols);
  ASSERT_TRUE(reach.has_value());
  EXPECT_THAT(names(*reach), IsSupersetOf({"getuid", "getgid"}));
}

TEST_F(DataReach, ATableGoneThroughFromItsEndIsReachedAsAWhole) {
  const auto reach = reach_of(R"(
PUT("1") static void (*table[])(void) = {0, a, b, c};
PUT("2") static char behind[4096] = {1};
void _start(void) {
  void (*volatile* at)(void) = (void (*volatile*)(void))&table[3];
  for (; *at != 0; --at) {
    (*at)();
  }
  raw(SYS_exit);
}
)",
                              kWithSymbols);
  ASSERT_TRUE(reach.has_value());
  EXPECT_THAT(names(*reach), IsSupersetOf({"getuid", "getgid", "getppid"}));
}

TEST_F(DataReach, APointerIntoATableDoesNotCutIt) {
  const auto reach = reach_of(R"(
struct command { long level; void (*call)(void); long more[20]; };
PUT("1") static struct command table[] = {{1, a}, {2, b}, {3, c}, {0}};
PUT("2") static char between[4096] = {1};
PUT("3") struct command* chosen = &table[2];
NOINLINE KEEP void unused(void) { chosen->call(); }
void _start(void) {
  for (struct command* at = table; *(volatile long*)&at->level != 0; ++at) {
    at->call();
  }
  raw(SYS_exit);
}
)",
                              kWithSymbols);
  ASSERT_TRUE(reach.has_value());
  EXPECT_THAT(names(*reach), IsSupersetOf({"getuid", "getgid", "getppid"}));
}

// Each file adds to such a table, and each of its entries has a symbol.
constexpr const char* kSet = R"(
typedef void (*function)(void);
#define ENTRY(name, what) \
  __attribute__((section("entries"), used)) static function name = what;
NOINLINE static void none(void) { __asm__ volatile(""); }
#define EIGHT(n) ENTRY(n##0, none) ENTRY(n##1, none) ENTRY(n##2, none) \
  ENTRY(n##3, none) ENTRY(n##4, none) ENTRY(n##5, none) ENTRY(n##6, none) \
  ENTRY(n##7, none)
EIGHT(e) EIGHT(f) EIGHT(g) ENTRY(last, a)
extern function __start_entries[], __stop_entries[];
void _start(void) {
  for (function* at = __start_entries; at < __stop_entries; ++at) {
    (*(volatile function*)at)();
  }
  raw(SYS_exit);
}
)";

TEST_F(DataReach, ASectionThatIsATableIsReachedAsAWhole) {
  for (const char* words : {kWithSymbols, "-static-pie -fpie -s"}) {
    const auto reach = reach_of(kSet, words);
    ASSERT_TRUE(reach.has_value());
    EXPECT_THAT(names(*reach), testing::Contains("getuid")) << words;
  }
}

TEST_F(DataReach, FunctionsThatAThreadsOwnVariablesBeginWithAreReached) {
  for (const char* words : {kWithSymbols, "-static-pie -fpie -s"}) {
    const auto reach = reach_of(R"(
static __thread void (*volatile own)(void) = a;
__thread void (*volatile shared)(void) = b;
void _start(void) {
  own();
  shared();
  raw(SYS_exit);
}
)",
                                words);
    ASSERT_TRUE(reach.has_value());
    EXPECT_THAT(names(*reach), IsSupersetOf({"getuid", "getgid"})) << words;
  }
}

}  // namespace
}  // namespace vambrace::elf
