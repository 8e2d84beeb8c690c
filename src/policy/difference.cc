#include "policy/difference.h"

#include <algorithm>
#include <optional>

#include "policy/container_difference.h"
#include "policy/file_difference.h"
#include "policy/rule_difference.h"
#include "policy/seccomp/covering.h"

namespace vambrace::policy {
namespace {

using seccomp::Action;
using seccomp::lets_through;
using seccomp::Outcome;

// The table that a number of a filter belongs to.
std::optional<kernel::Syscall> syscall_of(std::uint32_t arch,
                                          std::uint32_t nr) {
  for (const kernel::Arch each : kernel::kAllArches) {
    const bool x32 = (nr & seccomp::kX32Bit) != 0;
    if (kernel::audit_arch(each) == arch &&
        (each == kernel::Arch::X32 ? x32
                                   : each != kernel::Arch::X86_64 || !x32)) {
      return kernel::Syscall{
          each, each == kernel::Arch::X32 ? nr & ~seccomp::kX32Bit : nr};
    }
  }
  return std::nullopt;
}

std::vector<std::string> permits(const seccomp::CallRules* rules) {
  std::vector<std::string> texts;
  if (rules != nullptr) {
    for (const seccomp::Alternative& alternative : rules->alternatives) {
      if (lets_through(alternative.outcome)) {
        texts.push_back(describe(alternative));
      }
    }
  }
  return texts;
}

// One call on both sides.
class Call {
 public:
  Call(const seccomp::Evaluator& left, const seccomp::Evaluator& right,
       std::uint32_t arch, std::uint32_t nr)
      : left_(left), right_(right), arch_(arch), nr_(nr) {}

  void compare(const seccomp::Sources& sources, Difference& out) {
    std::optional<Permit> only_left;
    std::optional<Permit> only_right;
    std::optional<Permit> otherwise;
    for (const seccomp::Arguments& args :
         seccomp::covering_arguments(sources, arch_, nr_)) {
      const Outcome a = left_.outcome(arch_, nr_, args);
      const Outcome b = right_.outcome(arch_, nr_, args);
      if (a == b) {
        continue;
      }
      if (lets_through(a) == lets_through(b)) {
        keep(otherwise, args, a, b);
      } else if (lets_through(a)) {
        keep(only_left, args, a, b);
      } else {
        keep(only_right, args, b, a);
      }
    }
    store(only_left, left_, right_, out.only_left);
    store(only_right, right_, left_, out.only_right);
    // A call that is told already needs no second line.
    if (!only_left && !only_right && otherwise) {
      out.otherwise.push_back(std::move(*otherwise));
    }
  }

 private:
  void keep(std::optional<Permit>& to, const seccomp::Arguments& args,
            Outcome here, Outcome there) const {
    if (to) {
      return;
    }
    to = Permit{.arch = arch_,
                .nr = nr_,
                .example = args,
                .here = here,
                .there = there};
    const auto syscall = syscall_of(arch_, nr_);
    to->named = syscall && kernel::syscall_name(*syscall).has_value();
    to->call = syscall ? fmt::format("{} {}", kernel::to_string(syscall->arch),
                                     kernel::syscall_label(*syscall))
                       : fmt::format("arch {:#x} syscall_{}", arch_, nr_);
  }

  void store(std::optional<Permit>& permit, const seccomp::Evaluator& here,
             const seccomp::Evaluator& there, std::vector<Permit>& to) const {
    if (!permit) {
      return;
    }
    const auto known = permits(there.rules(arch_, nr_));
    for (std::string& text : permits(here.rules(arch_, nr_))) {
      if (std::ranges::find(known, text) == known.end()) {
        permit->when.push_back(std::move(text));
      }
    }
    to.push_back(std::move(*permit));
  }

  const seccomp::Evaluator& left_;
  const seccomp::Evaluator& right_;
  const std::uint32_t arch_;
  const std::uint32_t nr_;
};

// The names of the calls that were told.
std::set<std::string> told_calls(const Difference& difference) {
  std::set<std::string> names;
  for (const auto* list :
       {&difference.only_left, &difference.only_right, &difference.otherwise}) {
    for (const Permit& permit : *list) {
      names.insert(permit.call.substr(permit.call.rfind(' ') + 1));
    }
  }
  return names;
}

}  // namespace

std::string describe(const seccomp::Alternative& alternative) {
  using seccomp::Compare;
  std::string text;
  for (const seccomp::Condition& condition : alternative.all) {
    text += fmt::format("{}arg{}", text.empty() ? "" : ", ", condition.index);
    const char* sign = condition.op == Compare::Ne   ? "!="
                       : condition.op == Compare::Lt ? "<"
                       : condition.op == Compare::Le ? "<="
                       : condition.op == Compare::Ge ? ">="
                       : condition.op == Compare::Gt ? ">"
                                                     : "==";
    if (condition.op != Compare::MaskedEq) {
      text += fmt::format(" {} {:#x}", sign, condition.value);
    } else if (condition.value == 0xffffffff) {
      text += fmt::format(" == {:#x}", condition.value_two);
    } else {
      text += fmt::format(" & {:#x} == {:#x}", condition.value,
                          condition.value_two);
    }
  }
  return text;
}

Result<Difference> difference(const Side& left, const Side& right) {
  const seccomp::Sources sources{
      .programs = {}, .evaluators = {&left.evaluator, &right.evaluator}};
  Difference out;
  for (const seccomp::Numbers& each : seccomp::covering_numbers(sources)) {
    for (const std::uint32_t nr : each.numbers) {
      Call(left.evaluator, right.evaluator, each.arch, nr)
          .compare(sources, out);
    }
  }
  for (auto* list : {&out.only_left, &out.only_right, &out.otherwise}) {
    std::ranges::sort(*list);
  }
  std::ranges::set_difference(
      left.capabilities, right.capabilities,
      std::inserter(out.capabilities_left, out.capabilities_left.end()));
  std::ranges::set_difference(
      right.capabilities, left.capabilities,
      std::inserter(out.capabilities_right, out.capabilities_right.end()));
  if (left.files != nullptr && right.files != nullptr) {
    TRY_ASSIGN(out.files_left, files_beyond(*left.files, *right.files));
    TRY_ASSIGN(out.files_right, files_beyond(*right.files, *left.files));
    TRY_ASSIGN(out.rules_left, rules_beyond(*left.files, *right.files));
    TRY_ASSIGN(out.rules_right, rules_beyond(*right.files, *left.files));
  }
  if (left.around != nullptr && right.around != nullptr) {
    out.settings = settings_between(left, right, told_calls(out));
  }
  return out;
}

}  // namespace vambrace::policy
