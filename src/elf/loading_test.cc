// What the loader of a program does besides loading what it needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/compiled_analysis.h"

namespace vambrace::elf {
namespace {

using testing::Contains;
using testing::Not;

class Loading : public CompiledAnalysis {
 protected:
  Loading() : CompiledAnalysis("cc -fno-stack-protector", kMakesCalls) {}

  // A library in the root, also for the programs that are linked with it.
  void add_library(const std::string& name, const std::string& source,
                   const std::string& words = "") {
    root_.files["/usr/lib/" + name] =
        compile(source, "-shared -fpic -s -Wl,-soname," + name + " " + words);
    std::filesystem::copy_file(
        folder_ / "t", folder_ / name,
        std::filesystem::copy_options::overwrite_existing);
  }

  std::vector<std::string> reached(const std::string& source,
                                   const std::string& words) {
    const auto reach =
        reach_of(source, "-fpie -pie -s -Wl,--dynamic-linker=/none " + words);
    EXPECT_TRUE(reach) << reach.error().message();
    return names(*reach);
  }

  std::string in_folder(const std::string& name) const {
    return (folder_ / name).string();
  }
};

TEST_F(Loading, AnInitializerMayBeAnotherFilesFunction) {
  add_library("libi.so", "void start(void) { make(SYS_getuid); }");
  EXPECT_THAT(reached(R"(
void start(void);
__attribute__((section(".init_array"), used)) static void (*entry)(void) = start;
void _start(void) { make(SYS_exit); }
)",
                      in_folder("libi.so")),
              Contains("getuid"));
}

TEST_F(Loading, WhoAsksForNoVersionFindsTheFirstOne) {
  const std::string versions = in_folder("versions");
  std::ofstream(versions) << "V1 { global: foo; local: *; }; V2 { } V1;";
  add_library("libv.so", "void foo(void) {}");
  const std::string stub = in_folder("stub.so");
  std::filesystem::copy_file(in_folder("libv.so"), stub);
  add_library("libv.so", R"(
NOINLINE KEEP void old(void) { make(SYS_getuid); }
NOINLINE KEEP void newer(void) { make(SYS_getgid); }
__asm__(".symver old, foo@V1");
__asm__(".symver newer, foo@@V2");
)",
              "-Wl,--version-script=" + versions);
  const auto made = reached(
      "void foo(void); void _start(void) { foo(); make(SYS_exit); }", stub);
  EXPECT_THAT(made, Contains("getuid"));
  EXPECT_THAT(made, Not(Contains("getgid")));
}

TEST_F(Loading, TakesWhatAFileStandsInForAndWhoWatchesIt) {
  add_library("libreal.so", "void work(void) { make(SYS_getuid); }");
  add_library("libaux.so", "void rest(void) { make(SYS_getgid); }");
  add_library("libfilter.so", "void work(void) {} void rest(void) {}",
              "-Wl,--filter=libreal.so -Wl,--auxiliary=libaux.so");
  add_library("libaudit.so", R"(
unsigned la_version(unsigned v) { make(SYS_getppid); return v; }
void other(void) { make(SYS_reboot); }
)");
  const auto made = reached(
      "void work(void); void rest(void);"
      "void _start(void) { work(); rest(); make(SYS_exit); }",
      in_folder("libfilter.so") + " -Wl,--audit=libnone.so:libaudit.so");
  EXPECT_THAT(made, testing::IsSupersetOf({"getuid", "getgid", "getppid"}));
  EXPECT_THAT(made, Not(Contains("reboot")));
}

TEST_F(Loading, WhatIsLoadedOverAPointerIsAGap) {
  add_library("libdl.so", "void* dlopen(const char* n, int f) { return 0; }");
  const auto reach = reach_of(
      R"(
void* dlopen(const char*, int);
void* (*volatile load)(const char*, int) = dlopen;
void _start(void) { load("/usr/lib/plugin.so", 1); make(SYS_exit); }
)",
      "-fpie -pie -s -Wl,--dynamic-linker=/none " + in_folder("libdl.so"));
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(gaps(*reach),
              Contains(testing::HasSubstr("dlopen may be called through")));
}

TEST_F(Loading, AStaticProgramLoadsWhatItNames) {
  root_.files["/usr/lib/plugin.so"] =
      compile("void plugged(void) { make(SYS_getuid); }",
              "-shared -fpic -s -Wl,-soname,plugin.so");
  const auto reach = reach_of(R"(
NOINLINE void* dlopen(const char* name, int f) { return (void*)name; }
void _start(void) { dlopen("/usr/lib/plugin.so", 1); make(SYS_exit); }
)",
                              "-static -fno-pie -no-pie");
  ASSERT_TRUE(reach) << reach.error().message();
  EXPECT_THAT(names(*reach), Contains("getuid"));
}

// As glibc's dlopen in a static program, which getpwnam and iconv_open have,
// too.
constexpr const char* kLoads = R"source(
NOINLINE KEEP void* loads(const char* name, int mode) {
  const char* volatile why = mode ? "" : "invalid mode for dlopen()";
  return (void*)why;
}
)source";

TEST_F(Loading, AStaticProgramWithoutSymbolsThatMayLoadFilesIsAGap) {
  const std::string uses =
      std::string(kLoads) +
      "void _start(void) { loads(\"plugin.so\", 1); make(SYS_exit); }";
  for (const std::string words :
       {"-static -fno-pie -no-pie -s", "-static-pie -fpie -s"}) {
    const auto reach = reach_of(uses, words);
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(gaps(*reach), Contains(testing::HasSubstr("no symbol tells")))
        << words;
  }
}

TEST_F(Loading, AStaticProgramThatNeverGetsToItsLoaderHasNoGap) {
  const std::string has =
      std::string(kLoads) + "void _start(void) { make(SYS_exit); }";
  for (const std::string words :
       {"-static -fno-pie -no-pie -s", "-static-pie -fpie -s"}) {
    const auto reach = reach_of(has, words);
    ASSERT_TRUE(reach) << reach.error().message();
    EXPECT_THAT(gaps(*reach), testing::IsEmpty()) << words;
  }
}

}  // namespace
}  // namespace vambrace::elf
