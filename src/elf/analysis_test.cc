#include "elf/analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "elf/compiled_analysis.h"

namespace vambrace::elf {
namespace {

using testing::Contains;
using testing::Each;
using testing::Ge;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::SizeIs;

constexpr const char* kCommon = R"(
#include <sys/syscall.h>
#define NOINLINE __attribute__((noinline, noclone, noipa))
#define KEEP __attribute__((used))
static inline long raw(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c)
                   : "rcx", "r11", "memory");
  return result;
}
)";

// What the compiler of this machine makes of a source, without any library:
// each call of the kernel in it is the source's own.
class Analysis : public CompiledAnalysis {
 protected:
  Analysis() : CompiledAnalysis("cc -fno-stack-protector", kCommon) {}

  static const ReachedCall* call_named(const Reach& reach,
                                       std::string_view name) {
    for (const ReachedCall& call : reach.calls) {
      if (kernel::syscall_label(call.syscall) == name) {
        return &call;
      }
    }
    return nullptr;
  }
};

// Each way of building a program is one way of finding its functions.
// Here nothing tells where a function ends that nobody speaks of.
const std::string kBoundless =
    "-static -fno-pie -no-pie -s -fno-asynchronous-unwind-tables";
const std::vector<std::string> kBuilds = {
    "-static-pie -fpie -s",
    "-static-pie -fpie",
    "-static -fno-pie -no-pie -s",
    kBoundless,
    "-static-pie -fpie -s -fcf-protection=full",
};

TEST_F(Analysis, FindsCallsOfFunctionsThatAreCalledAndNoOthers) {
  for (const std::string& words : kBuilds) {
    const auto reach = reach_of(R"(
NOINLINE KEEP void used(void) { raw(SYS_getpid, 0, 0, 0); }
NOINLINE KEEP void unused(void) { raw(SYS_reboot, 0, 0, 0); }
void _start(void) { used(); raw(SYS_exit, 0, 0, 0); }
)",
                                words);
    ASSERT_TRUE(reach) << reach.error().message();
    if (words != kBoundless) {
      EXPECT_THAT(names(*reach), testing::ElementsAre("getpid", "exit"))
          << words;
    }
    EXPECT_THAT(gaps(*reach), IsEmpty()) << words;
    const ReachedCall* call = call_named(*reach, "getpid");
    EXPECT_EQ(call->confidence, Confidence::Direct);
    EXPECT_THAT(call->chain, SizeIs(2));
    EXPECT_EQ(call->chain.front().link, Link::Start);
  }
}

TEST_F(Analysis, FollowsPointersToFunctionsThatCodeSpeaksOf) {
  for (const std::string& words : kBuilds) {
    const auto reach = reach_of(R"(
NOINLINE void first(void) { raw(SYS_getuid, 0, 0, 0); }
NOINLINE void second(void) { raw(SYS_getgid, 0, 0, 0); }
NOINLINE void third(void) { raw(SYS_gettid, 0, 0, 0); }
void (*volatile table[2])(void) = {first, second};
void (*volatile chosen)(void);
void _start(void) {
  chosen = third;
  for (int i = 0; i < 2; ++i) table[i]();
  chosen();
  raw(SYS_exit, 0, 0, 0);
}
)",
                                words);
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(names(*reach), IsSupersetOf({"getuid", "getgid", "gettid"}))
        << words;
    EXPECT_EQ(call_named(*reach, "getuid")->confidence, Confidence::Indirect);
  }
}

TEST_F(Analysis, LeavesOutATableThatNoReachedCodeSpeaksOf) {
  const auto reach = reach_of(R"(
NOINLINE void hidden(void) { raw(SYS_reboot, 0, 0, 0); }
void (*volatile table[2])(void) = {hidden, hidden};
long between[64];
NOINLINE KEEP void unused(void) { table[0](); }
NOINLINE KEEP long* other(void) { return between; }
void _start(void) { raw(SYS_exit, 0, 0, 0); }
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), Not(Contains("reboot")));
}

TEST_F(Analysis, TiesNumbersThatAreHandedDown) {
  for (const std::string& words : kBuilds) {
    const auto reach = reach_of(R"(
NOINLINE long inner(long number, long a) { return raw(number, a, 0, 0); }
NOINLINE long outer(long a, int number) { return inner(number, a) + 1; }
void _start(void) {
  outer(0, SYS_umask);
  outer(0, SYS_fsync);
  inner(SYS_exit, 0);
}
)",
                                words);
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(names(*reach), testing::ElementsAre("exit", "fsync", "umask"))
        << words;
    EXPECT_THAT(gaps(*reach), IsEmpty()) << words;
  }
}

TEST_F(Analysis, TiesNumbersThatAreChosen) {
  const auto reach = reach_of(R"(
volatile int choice;
NOINLINE long one_of(int which) {
  long number;
  switch (which) {
    case 0: number = SYS_umask; break;
    case 1: number = SYS_fsync; break;
    case 2: number = SYS_sync; break;
    case 3: number = SYS_getpid; break;
    case 4: number = SYS_getuid; break;
    case 5: number = SYS_getgid; break;
    default: number = choice ? SYS_pause : SYS_alarm;
  }
  return raw(number, which, 0, 0);
}
void _start(void) { one_of(choice); raw(SYS_exit, 0, 0, 0); }
)");
  ASSERT_TRUE(reach) << reach.error().message();
  const std::vector<std::string> wanted = {"umask",  "fsync",  "sync",
                                           "getpid", "getuid", "getgid",
                                           "pause",  "alarm",  "exit"};
  // Either all of them, or a gap at the place: a table of numbers in data is
  // not read.
  if (reach->gaps.empty()) {
    EXPECT_THAT(names(*reach), testing::UnorderedElementsAreArray(wanted));
  } else {
    EXPECT_EQ(reach->gaps[0].kind, "number-unknown");
  }
}

TEST_F(Analysis, TiesNumbersThatAreHandedDownOnTheStack) {
  const auto reach = reach_of(R"(
NOINLINE long seventh(long a, long b, long c, long d, long e, long f,
                      long number) {
  return raw(number, a, b, c);
}
void _start(void) {
  seventh(1, 2, 3, 4, 5, 6, SYS_umask);
  raw(SYS_exit, 0, 0, 0);
}
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), Contains("umask"));
  EXPECT_THAT(gaps(*reach), IsEmpty());
}

TEST_F(Analysis, ANumberThatIsComputedIsAGapAtItsPlace) {
  const auto reach = reach_of(R"(
volatile long number;
NOINLINE void computed(void) { raw(number, 0, 0, 0); }
void _start(void) { computed(); raw(SYS_exit, 0, 0, 0); }
)",
                              "-static-pie -fpie");
  ASSERT_TRUE(reach) << reach.error().message();
  ASSERT_THAT(reach->gaps, SizeIs(1));
  EXPECT_EQ(reach->gaps[0].kind, "number-unknown");
  EXPECT_EQ(reach->gaps[0].function, "computed");
}

TEST_F(Analysis, AParameterOfAFunctionWithAPointerToItIsAGap) {
  const auto reach = reach_of(R"(
NOINLINE long call(long number) { return raw(number, 0, 0, 0); }
long (*volatile pointer)(long) = call;
void _start(void) { call(SYS_umask); pointer(SYS_sync); }
)");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), Contains("umask"));
  ASSERT_THAT(reach->gaps, SizeIs(Ge(1)));
  EXPECT_EQ(reach->gaps[0].kind, "number-unknown");
}

TEST_F(Analysis, CallsInTheModeOfAnotherArchitectureAreAGap) {
  const auto reach = reach_of(R"(
void _start(void) {
  __asm__ volatile("int $0x80" : : "a"(1) : "memory");
  raw(SYS_exit, 0, 0, 0);
}
)");
  ASSERT_TRUE(reach) << reach.error().message();
  ASSERT_THAT(reach->gaps, SizeIs(1));
  EXPECT_EQ(reach->gaps[0].kind, "other-code");
}

TEST_F(Analysis, BoundsArgumentsThatAreConstants) {
  const auto reach = reach_of(R"(
NOINLINE long socket(int family, int type) {
  return raw(SYS_socket, family, type, 0);
}
volatile int any;
void _start(void) {
  socket(2, any);
  socket(1, any);
  raw(SYS_exit, 0, 0, 0);
}
)");
  ASSERT_TRUE(reach) << reach.error().message();
  const ReachedCall* call = call_named(*reach, "socket");
  ASSERT_NE(call, nullptr);
  EXPECT_THAT(call->arguments, testing::ElementsAre(ArgumentBound{0, {1, 2}},
                                                    ArgumentBound{2, {0}}));
}

TEST_F(Analysis, FollowsLibrariesAndOnlyWhatIsImportedOfThem) {
  root_.files["/usr/lib/libx.so.1"] = (compile(R"(
NOINLINE long wanted(void) { return raw(SYS_umask, 0, 0, 0); }
NOINLINE long other(void) { return raw(SYS_reboot, 0, 0, 0); }
)",
                                               "-shared -fpic -s "
                                               "-Wl,-soname,libx.so.1"));
  std::filesystem::copy_file(folder_ / "t", folder_ / "libx.so");
  root_.files["/t"] = (compile(R"(
long wanted(void);
void _start(void) { wanted(); raw(SYS_exit, 0, 0, 0); }
)",
                               "-fpie -pie -s -Wl,--dynamic-linker=/none -L" +
                                   folder_.string() + " -lx"));
  const auto reach = analyze(root_, {.program = "/t"});
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), testing::ElementsAre("exit", "umask"));
  ASSERT_THAT(reach->files, SizeIs(2));
  EXPECT_EQ(reach->files[1].path, "/usr/lib/libx.so.1");
  EXPECT_THAT(reach->files[1].syscalls, testing::ElementsAre("umask"));
  EXPECT_EQ(call_named(*reach, "umask")->chain.back().function, "wanted");
  // The loader that it names is not there: that is told.
  ASSERT_THAT(reach->gaps, SizeIs(1));
  EXPECT_EQ(reach->gaps[0].kind, "library-missing");
}

TEST_F(Analysis, TellsWhichFilesAskForACall) {
  root_.files["/usr/lib/libx.so.1"] = compile(R"(
NOINLINE long make(void) { return raw(SYS_umask, 0, 0, 0); }
long near(void) { return make() + 1; }
NOINLINE static long f1(void) { return near() + 1; }
NOINLINE static long f2(void) { return f1() + 1; }
NOINLINE static long f3(void) { return f2() + 1; }
long far(void) { return f3() + 1; }
NOINLINE long other(void) { return raw(SYS_getpid, 0, 0, 0); }
)",
                                              "-shared -fpic -s -Wl,-Bsymbolic "
                                              "-Wl,-soname,libx.so.1");
  std::filesystem::copy_file(folder_ / "t", folder_ / "libx.so");
  const std::string words =
      "-fpie -pie -Wl,--dynamic-linker=/none -L" + folder_.string() + " -lx";
  root_.files["/near"] = compile(
      "long near(void), far(void);"
      "void _start(void) { far(); near(); raw(SYS_exit, 0, 0, 0); }",
      words);
  const auto near = analyze(root_, {.program = "/near"});
  ASSERT_TRUE(near) << near.error().message();
  const Asker library{"/usr/lib/libx.so.1", "make", 0};
  EXPECT_THAT(call_named(*near, "umask")->askers,
              testing::ElementsAre(library, Asker{"/near", "_start", 2}));
  EXPECT_THAT(call_named(*near, "exit")->askers,
              testing::ElementsAre(Asker{"/near", "_start", 0}));
  // Six functions of the library later it is the library's own affair.
  root_.files["/far"] = compile(
      "long far(void);"
      "void _start(void) { far(); raw(SYS_exit, 0, 0, 0); }",
      words);
  const auto far = analyze(root_, {.program = "/far"});
  ASSERT_TRUE(far) << far.error().message();
  EXPECT_THAT(call_named(*far, "umask")->askers, testing::ElementsAre(library));
}

TEST_F(Analysis, AChainOfLoadedFilesThatDoesNotEndIsAGap) {
  root_.files["/usr/lib/libd.so.1"] = compile(
      "NOINLINE void* dlopen(const char* n, int f) { return (void*)n; }",
      "-shared -fpic -s -Wl,-soname,libd.so.1");
  std::filesystem::copy_file(folder_ / "t", folder_ / "libd.so");
  const std::string library = folder_.string() + "/libd.so";
  constexpr int kFiles = 20;
  for (int i = 0; i < kFiles; ++i) {
    const std::string words = i == 0
                                  ? "-fpie -pie -s -Wl,--dynamic-linker=/none "
                                  : "-shared -fpic -s ";
    root_.files[fmt::format("/l{}", i)] =
        compile(fmt::format("void* dlopen(const char*, int);"
                            "void {}(void) {{ dlopen(\"/l{}\", 1);"
                            " raw(SYS_exit, 0, 0, 0); }}",
                            i == 0 ? "_start" : "f", i + 1),
                words + library);
  }
  const auto reach = analyze(root_, {.program = "/l0"});
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), Contains("exit"));
  EXPECT_THAT(gaps(*reach),
              Contains(testing::HasSubstr("load ever more files")));
  for (const LoadedFile& file : reach->files) {
    EXPECT_LE(file.reached_functions, file.functions);
  }
}

TEST_F(Analysis, AProgramThatIsNotThereOrIsNoneIsAnError) {
  root_.files["/script"] = "#!/bin/sh\n";
  EXPECT_EQ(analyze(root_, {.program = "/none"}).error().code(),
            ErrorCode::NotFound);
  EXPECT_EQ(analyze(root_, {.program = "/script"}).error().code(),
            ErrorCode::InvalidInput);
}

TEST_F(Analysis, SurvivesDamageAnywhere) {
  const std::string good = compile(R"(
NOINLINE long inner(long number, long a) { return raw(number, a, 0, 0); }
void (*volatile pointer)(void);
void _start(void) { inner(SYS_umask, 0); pointer(); raw(SYS_exit, 0, 0, 0); }
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
