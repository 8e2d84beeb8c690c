#include "policy/partial_call.h"

#include <algorithm>

namespace vambrace::policy {

std::vector<PartialArguments> partial_arguments(
    kernel::Syscall syscall, const std::optional<evidence::Arguments>& seen) {
  const kernel::ArgSpec* spec = kernel::arg_spec(syscall);
  if (spec == nullptr || !spec->filterable || !seen || seen->unbounded ||
      seen->tuples.empty()) {
    return {PartialArguments{}};
  }
  std::vector<PartialArguments> list;
  for (const std::vector<std::uint64_t>& tuple : seen->tuples) {
    PartialArguments known;
    const std::size_t size = std::min(tuple.size(), spec->arguments.size());
    for (std::size_t i = 0; i < size; ++i) {
      known.at(spec->arguments[i].index) = tuple[i];
    }
    list.push_back(known);
  }
  return list;
}

std::string describe(const PartialArguments& arguments) {
  std::string text;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments.at(i)) {
      text += fmt::format("{}arg{} == {:#x}", text.empty() ? "" : ", ", i,
                          *arguments.at(i));
    }
  }
  return text;
}

std::vector<seccomp::Outcome> possible_outcomes(
    const seccomp::Evaluator& evaluator, kernel::Syscall syscall,
    const PartialArguments& arguments) {
  const std::uint32_t arch = kernel::audit_arch(syscall.arch);
  const std::uint32_t nr = seccomp::filter_number(syscall);
  const seccomp::CallRules* rules = evaluator.rules(arch, nr);
  if (rules == nullptr || rules->always) {
    return {evaluator.outcome(arch, nr, {})};
  }
  std::vector<seccomp::Outcome> possible;
  const auto add = [&](seccomp::Outcome outcome) {
    if (std::ranges::find(possible, outcome) == possible.end()) {
      possible.push_back(outcome);
    }
  };
  for (const seccomp::Alternative& alternative : rules->alternatives) {
    bool sure = true;
    const bool excluded =
        std::ranges::any_of(alternative.all, [&](const auto& condition) {
          const auto& value = arguments.at(condition.index);
          sure = sure && value.has_value();
          return value && !seccomp::holds(condition, *value);
        });
    if (!excluded) {
      add(alternative.outcome);
      if (sure) {
        return possible;
      }
    }
  }
  add(evaluator.default_outcome());
  return possible;
}

}  // namespace vambrace::policy
