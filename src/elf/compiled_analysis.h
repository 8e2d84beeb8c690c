#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "elf/analysis.h"
#include "elf/memory_root.h"

// Programs that tests of the analysis compile.
namespace vambrace::elf {

// What sources for x86-64 may begin with: make(number) is one system call.
constexpr const char* kMakesCalls = R"(
#include <sys/syscall.h>
#define NOINLINE __attribute__((noinline, noclone, noipa))
#define KEEP __attribute__((used))
static inline __attribute__((always_inline)) long make(long number) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number)
                   : "rcx", "r11", "memory");
  return result;
}
)";

// A folder of its own with a root in memory beside it. What is compiled has no
// library: each call of the kernel in it is the source's own.
class CompiledAnalysis : public testing::Test {
 protected:
  // `compiler` is the command without files; `common` goes before each source.
  CompiledAnalysis(std::string compiler, std::string common)
      : compiler_(std::move(compiler)), common_(std::move(common)) {}

  void SetUp() override {
    const char* base = std::getenv("TMPDIR");
    std::string pattern =
        std::string(base == nullptr ? "/tmp" : base) + "/elf-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The bytes of what was made.
  std::string compile(const std::string& source, const std::string& words) {
    std::ofstream(folder_ / "t.c") << common_ << source;
    const std::string command =
        fmt::format("{0} -O2 -ffreestanding -nostdlib -w -o {1}/t {1}/t.c {2}",
                    compiler_, folder_.string(), words);
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    std::ifstream file(folder_ / "t", std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
  }

  Result<Reach> reach_of(const std::string& source,
                         const std::string& words = "-static-pie -fpie -s") {
    root_.files["/t"] = compile(source, words);
    return analyze(root_, {.program = "/t"});
  }

  static std::vector<std::string> names(const Reach& reach) {
    std::vector<std::string> names;
    for (const ReachedCall& call : reach.calls) {
      names.push_back(kernel::syscall_label(call.syscall));
    }
    return names;
  }

  // So that a failure says which.
  static std::vector<std::string> gaps(const Reach& reach) {
    std::vector<std::string> texts;
    for (const Gap& gap : reach.gaps) {
      texts.push_back(fmt::format("{} at {:#x} in {}: {}", gap.kind,
                                  gap.address, gap.function, gap.detail));
    }
    return texts;
  }

  std::filesystem::path folder_;
  MemoryRoot root_;

 private:
  std::string compiler_;
  std::string common_;
};

}  // namespace vambrace::elf
