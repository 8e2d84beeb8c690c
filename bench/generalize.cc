// How long paths take to become rules, and what made them few.
//
//   build/bench/generalize [PATHS] [ROUNDS]
//
// The paths are those of a made-up busy server: processes, a tree of packages,
// temporary files, a cache named by hashes, pages, a data directory by number,
// logs. Prints the medians of the rounds; with no round, prints the paths.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "policy/apparmor/generalize.h"

namespace {

using vambrace::policy::apparmor::Generalized;
using vambrace::policy::apparmor::Observation;

// Numbers that look drawn by lot and are the same in each run.
class Lot {
 public:
  std::uint64_t next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return state_ >> 33U;
  }
  std::string letters(std::string_view from, std::size_t length) {
    std::string out;
    for (; length > 0; --length) {
      out += from[next() % from.size()];
    }
    return out;
  }
  std::string word() {
    return letters("bcdfghklmnprst", 1) + letters("aeiou", 1) +
           letters("bcdfghklmnprst", 1) + letters("aeiou", 1) +
           letters("bcdfghklmnprst", 2);
  }

 private:
  std::uint64_t state_ = 20240102;
};

std::vector<Observation> server(std::size_t paths) {
  Lot lot;
  std::vector<Observation> out;
  std::vector<std::string> packages;
  for (std::size_t i = 0; i < paths / 400 + 1; ++i) {
    packages.push_back("/usr/lib/python3/dist-packages/" + lot.word() + "/" +
                       lot.word() + "/");
  }
  const auto add = [&](std::string path, const char* access) {
    out.push_back({.path = std::move(path),
                   .access = access,
                   .process = "/usr/bin/python3",
                   .recording = out.size() % 2 == 0 ? "a" : "b"});
  };
  while (out.size() < paths) {
    const std::string number = std::to_string(lot.next() % 4000000 + 1);
    const std::string& package = packages[lot.next() % packages.size()];
    add("/proc/" + number + "/stat", "r");
    add(package + lot.word() + lot.word() + ".py", "r");
    add(package + "__pycache__/" + lot.word() + lot.word() + ".cpython-311.pyc",
        "r");
    add("/tmp/tmp." + lot.letters("abcdefgh23456789ABCDEFGH", 10), "cdrw");
    add("/var/cache/web/" + lot.letters("0123456789abcdef", 1) + "/" +
            lot.letters("0123456789abcdef", 2) + "/" +
            lot.letters("0123456789abcdef", 32),
        "cdrw");
    add("/srv/www/" + lot.word() + "/" + lot.word() + lot.word() + ".html",
        "r");
    add("/var/lib/db/main/base/" + std::to_string(lot.next() % 50) + "/" +
            number,
        "rw");
    add("/srv/upload/" + lot.word() + "/" + lot.word() + lot.word(), "crw");
    add("/var/log/app/" + lot.word() + ".log." + std::to_string(out.size() % 9),
        "w");
    add("/usr/share/locale/" + lot.word() + "/LC_MESSAGES/" + lot.word() +
            ".mo",
        "r");
  }
  out.resize(paths);
  return out;
}

// "1.20 (1.10 to 1.30)": the median, the least and the most.
std::string spread(std::vector<double> values) {
  std::ranges::sort(values);
  return fmt::format("{:.2f} ({:.2f} to {:.2f})", values[values.size() / 2],
                     values.front(), values.back());
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t paths =
      argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100000;
  const std::size_t rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 5;
  const std::vector<Observation> seen = server(paths);
  if (rounds == 0) {
    for (const Observation& one : seen) {
      fmt::print("{}\t{}\n", one.path, one.access);
    }
    return 0;
  }
  std::vector<double> elapsed;
  std::vector<double> cpu;
  Generalized result;
  for (std::size_t i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t used = std::clock();
    result = vambrace::policy::apparmor::generalize(seen);
    cpu.push_back(static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC);
    const std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - start;
    elapsed.push_back(took.count());
  }
  fmt::print("{} paths -> {} rules{} in {} s, {} s of CPU\n", paths,
             result.rules.size(),
             result.within_budget ? "" : ", over the budget", spread(elapsed),
             spread(cpu));
  for (const auto& one : result.did) {
    fmt::print("  {:16} {:6} rules for {:6} paths\n",
               vambrace::policy::apparmor::to_string(one.kind), one.rules,
               one.paths);
  }
  return 0;
}
