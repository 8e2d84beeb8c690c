#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/result.h"
#include "policy/seccomp/cbpf.h"
#include "policy/seccomp/covering.h"

namespace {

namespace seccomp = vambrace::policy::seccomp;

constexpr std::size_t kBytes = 8;     // of one instruction
constexpr std::size_t kNumbers = 24;  // of each architecture
constexpr std::size_t kArguments = 32;

// Evenly spread over what there is, the ends included.
template <class T>
std::vector<T> some(const std::vector<T>& all, std::size_t count) {
  if (all.size() <= count) {
    return all;
  }
  std::vector<T> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(all[i * (all.size() - 1) / (count - 1)]);
  }
  return out;
}

void try_call(const seccomp::Program& program, std::uint32_t arch,
              std::uint32_t nr,
              const std::vector<seccomp::Arguments>& arguments) {
  const bool constant = seccomp::constant_allow(program, arch, nr);
  bool reads_args = true;
  const std::uint32_t first =
      seccomp::run(program, {.nr = nr, .arch = arch}, &reads_args);
  for (const seccomp::Arguments& args : arguments) {
    const std::uint32_t value =
        seccomp::run(program, {.nr = nr, .arch = arch, .args = args});
    CHECK(reads_args || value == first);
    const seccomp::Outcome outcome = seccomp::from_return_value(value);
    CHECK(!constant || outcome.action == seccomp::Action::Allow);
    CHECK(seccomp::from_return_value(seccomp::to_return_value(outcome)) ==
          outcome);
  }
}

}  // namespace

// Any program that is accepted ends for every call, and what is said about it
// without running it holds when it runs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  seccomp::Program program(size / kBytes);
  for (std::size_t i = 0; i < program.size(); ++i) {
    const std::uint8_t* at = data + i * kBytes;
    std::memcpy(&program[i].code, at, 2);
    program[i].jt = at[2];
    program[i].jf = at[3];
    std::memcpy(&program[i].k, at + 4, 4);
  }
  if (!seccomp::validate(program)) {
    return 0;
  }
  const seccomp::Sources sources{.programs = {program}, .evaluators = {}};
  for (const seccomp::Numbers& row : seccomp::covering_numbers(sources)) {
    for (const std::uint32_t nr : some(row.numbers, kNumbers)) {
      try_call(
          program, row.arch, nr,
          some(seccomp::covering_arguments(sources, row.arch, nr), kArguments));
    }
  }
  return 0;
}
