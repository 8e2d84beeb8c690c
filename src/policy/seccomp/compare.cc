#include "policy/seccomp/compare.h"

#include <algorithm>

#include "policy/seccomp/covering.h"

namespace vambrace::policy::seccomp {
namespace {

using kernel::Arch;

template <class Left, class Right>
std::vector<Difference> differences(const Sources& sources, const Left& left,
                                    const Right& right) {
  std::vector<Difference> out;
  for (const Numbers& each : covering_numbers(sources)) {
    for (const std::uint32_t nr : each.numbers) {
      for (const Arguments& args : covering_arguments(sources, each.arch, nr)) {
        const Outcome a = left(each.arch, nr, args);
        const Outcome b = right(each.arch, nr, args);
        if (a != b) {
          out.push_back({each.arch, nr, args, a, b});
          break;
        }
      }
    }
  }
  std::ranges::sort(out);
  return out;
}

auto asking(std::span<const Instruction> program) {
  return
      [program](std::uint32_t arch, std::uint32_t nr, const Arguments& args) {
        return from_return_value(
            run(program, {.nr = nr, .arch = arch, .ip = 0, .args = args}));
      };
}

auto asking(const Evaluator& evaluator) {
  return [&evaluator](std::uint32_t arch, std::uint32_t nr,
                      const Arguments& args) {
    return evaluator.outcome(arch, nr, args);
  };
}

}  // namespace

std::string describe(const Difference& difference) {
  std::string call;
  for (const Arch arch : {Arch::X32, Arch::X86_64, Arch::I386, Arch::Aarch64}) {
    const bool x32 = arch == Arch::X32;
    if (kernel::audit_arch(arch) != difference.arch ||
        (x32 && (difference.nr & kX32Bit) == 0)) {
      continue;
    }
    const std::uint32_t nr = x32 ? difference.nr & ~kX32Bit : difference.nr;
    call = fmt::format("{} {}", kernel::to_string(arch),
                       kernel::syscall_label({arch, nr}));
    break;
  }
  if (call.empty()) {
    call = fmt::format("arch {:#x} syscall_{}", difference.arch, difference.nr);
  }
  return fmt::format("{}({:#x}): {} or {}", call,
                     fmt::join(difference.args, ", "),
                     to_string(difference.left), to_string(difference.right));
}

std::vector<Difference> compare(std::span<const Instruction> left,
                                const Evaluator& right) {
  return differences({.programs = {left}, .evaluators = {&right}}, asking(left),
                     asking(right));
}

std::vector<Difference> compare(std::span<const Instruction> left,
                                std::span<const Instruction> right) {
  return differences({.programs = {left, right}, .evaluators = {}},
                     asking(left), asking(right));
}

std::vector<Difference> compare(const Evaluator& left, const Evaluator& right) {
  return differences({.programs = {}, .evaluators = {&left, &right}},
                     asking(left), asking(right));
}

Result<std::vector<Difference>> compare(std::span<const Instruction> program,
                                        const Profile& profile,
                                        const runtime::Target& target) {
  TRY(validate(program));
  TRY_ASSIGN(const Evaluator evaluator, Evaluator::of(profile, target));
  return compare(program, evaluator);
}

}  // namespace vambrace::policy::seccomp
