// How long the analysis of a program takes, its files in the page cache:
//
//   build/bench/analyze /usr/sbin/nginx 9
//
// Prints the calls, the median and the slowest of so many runs, their processor
// time, and the most memory that was resident. With a third word "list" the
// calls, with "chains" also how they are reached.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "elf/memo.h"
#include "host/root_files.h"

using namespace vambrace;

namespace {

void print_calls(const elf::Reach& reach, bool chains) {
  for (const elf::ReachedCall& call : reach.calls) {
    fmt::print("{} {}", kernel::syscall_label(call.syscall),
               to_string(call.confidence));
    for (const elf::ArgumentBound& bound : call.arguments) {
      fmt::print(" {}={}", bound.index, fmt::join(bound.values, "|"));
    }
    fmt::print("\n");
    for (const elf::Step& step : call.chain) {
      if (chains) {
        fmt::print("    {:<14} {} {} {:#x}\n", to_string(step.link),
                   step.object, step.function, step.address);
      }
    }
  }
  for (const elf::Gap& gap : reach.gaps) {
    fmt::print("gap {} {} {} {:#x} {}\n", gap.kind, gap.object, gap.function,
               gap.address, gap.detail);
  }
  for (const elf::LoadedFile& file : reach.files) {
    fmt::print("file {} ({}): {} bytes of code, {} of {} functions, {} calls\n",
               file.path, file.why, file.code_bytes, file.reached_functions,
               file.functions, file.syscalls.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: analyze PROGRAM [RUNS [list|chains]]\n");
    return 2;
  }
  const auto root = RootFiles::open("/");
  const int runs = argc > 2 ? std::stoi(argv[2]) : 9;
  const std::string what = argc > 3 ? argv[3] : "";
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const auto before = std::chrono::steady_clock::now();
    elf::Binaries binaries;
    const auto answered =
        elf::analyze_once(*root, {.program = argv[1]}, "", nullptr, binaries);
    const auto after = std::chrono::steady_clock::now();
    if (!answered) {
      fmt::print(stderr, "{}\n", answered.error().message());
      return 1;
    }
    const elf::Reach& reach = answered->reach;
    times.push_back(
        std::chrono::duration<double, std::milli>(after - before).count());
    if (i + 1 < runs) {
      continue;
    }
    if (!what.empty()) {
      print_calls(reach, what == "chains");
    }
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    std::ranges::sort(times);
    const double spent =
        static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
        static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) /
            1e3;
    fmt::print(
        "{}: {} calls, {} gaps, {:.1f} ms (at most {:.1f}; processor {:.1f}), "
        "{} MB\n",
        argv[1], reach.calls.size(), reach.gaps.size(), times[times.size() / 2],
        times.back(), spent / runs, used.ru_maxrss / 1024);
  }
  return 0;
}
