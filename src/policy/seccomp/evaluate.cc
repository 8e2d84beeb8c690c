#include "policy/seccomp/evaluate.h"

#include <algorithm>

#include "kernel/errnos.h"
#include "policy/seccomp/effective.h"
#include "runtime/model.h"

namespace vambrace::policy::seccomp {
namespace {

using kernel::Arch;
using kernel::kEnosys;
using kernel::kEperm;

constexpr std::uint32_t kNoCall = 0xffffffff;  // a tracer skips the call

// A runtime fills in EPERM where an action wants a number and none is given.
Outcome outcome_of(Action action, std::optional<std::uint32_t> errno_ret) {
  Outcome outcome{.action = action, .error = 0};
  if (action == Action::Errno || action == Action::Trace) {
    outcome.error = errno_ret.value_or(kEperm);
  }
  return outcome;
}

// The condition as libseccomp compares it: the value under the mask, and only
// the low half on architectures with 32-bit registers (x32 is one to it).
Condition narrowed(Condition condition, bool wide) {
  const std::uint64_t width = wide ? ~0ULL : kLowHalf;
  condition.value &= width;
  if (condition.op == Compare::MaskedEq) {
    condition.value_two &= condition.value;
  } else {
    condition.value_two = 0;
  }
  return condition;
}

// A mask of zero always matches; libseccomp leaves such a condition out.
bool vacuous(const Condition& condition) {
  return condition.op == Compare::MaskedEq && condition.value == 0;
}

// Two conditions on one index turn all conditions of the entry into
// alternatives (runc: matchCall, crun: libcrun_generate_seccomp).
std::vector<std::vector<Condition>> alternatives_of(const Entry& entry) {
  std::uint32_t seen = 0;
  bool repeated = false;
  for (const Condition& condition : entry.args) {
    repeated = repeated || ((seen >> condition.index) & 1U) != 0;
    seen |= 1U << condition.index;
  }
  std::vector<std::vector<Condition>> out;
  if (!repeated) {
    out.push_back(entry.args);
    return out;
  }
  for (const Condition& condition : entry.args) {
    out.push_back({condition});
  }
  return out;
}

// The rule that libseccomp adds for i386's multiplexer: the first argument is
// the code of the call, the others stay as they are.
std::vector<Condition> through_multiplexer(std::vector<Condition> conditions,
                                           std::uint32_t code) {
  std::erase_if(conditions, [](const Condition& c) { return c.index == 0; });
  conditions.insert(
      conditions.begin(),
      {.index = 0, .op = Compare::Eq, .value = code, .value_two = 0});
  return conditions;
}

}  // namespace

bool lets_through(Outcome outcome) {
  return outcome.action == Action::Allow || outcome.action == Action::Log;
}

bool holds(const Condition& condition, std::uint64_t argument) {
  switch (condition.op) {
    case Compare::Ne:
      return argument != condition.value;
    case Compare::Lt:
      return argument < condition.value;
    case Compare::Le:
      return argument <= condition.value;
    case Compare::Eq:
      return argument == condition.value;
    case Compare::Ge:
      return argument >= condition.value;
    case Compare::Gt:
      return argument > condition.value;
    case Compare::MaskedEq:
      return (argument & condition.value) ==
             (condition.value_two & condition.value);
  }
  return false;
}

std::uint32_t filter_number(kernel::Syscall syscall) {
  return syscall.arch == Arch::X32 ? syscall.nr | kX32Bit : syscall.nr;
}

void Evaluator::add_rule(std::uint32_t audit_arch, std::uint32_t nr, bool wide,
                         const std::vector<Condition>& conditions,
                         Outcome outcome) {
  Alternative rule{.all = {}, .outcome = outcome};
  for (const Condition& condition : conditions) {
    const Condition narrow = narrowed(condition, wide);
    if (!vacuous(narrow)) {
      rule.all.push_back(narrow);
    }
  }
  CallRules& call = rules_[{audit_arch, nr}];
  if (call.always) {
    return;
  }
  if (rule.all.empty()) {
    call.always = outcome;
    call.alternatives.clear();
  } else {
    call.alternatives.push_back(std::move(rule));
  }
}

void Evaluator::add(const Entry& entry, const std::string& name,
                    const runtime::Target& target) {
  const Outcome outcome = outcome_of(entry.action, entry.errno_ret);
  bool known = false;
  for (const Arch arch : kernel::kAllArches) {
    const std::optional<std::uint32_t> nr = kernel::syscall_number(arch, name);
    known = known || (nr && runtime::libseccomp_knows(target, {arch, *nr})) ||
            runtime::multiplexed_on_i386(name).has_value();
  }
  if (!known) {
    unknown_.push_back(name);
    return;
  }
  if (outcome == default_) {
    return;
  }
  const std::vector<std::vector<Condition>> alternatives =
      alternatives_of(entry);
  for (const Arch arch : arches_) {
    const bool wide = arch == Arch::X86_64 || arch == Arch::Aarch64;
    const std::uint32_t audit = kernel::audit_arch(arch);
    const std::optional<std::uint32_t> nr = kernel::syscall_number(arch, name);
    const auto multiplexed =
        arch == Arch::I386 ? runtime::multiplexed_on_i386(name) : std::nullopt;
    for (const std::vector<Condition>& conditions : alternatives) {
      if (multiplexed) {
        add_rule(audit, multiplexed->nr, wide,
                 through_multiplexer(conditions, multiplexed->code), outcome);
      }
      if (nr && runtime::libseccomp_knows(target, {arch, *nr})) {
        add_rule(audit, filter_number({arch, *nr}), wide, conditions, outcome);
      }
    }
  }
}

Result<Evaluator> Evaluator::of(const Profile& profile,
                                const runtime::Target& target) {
  TRY_ASSIGN(const Effective made, effective(profile, target));
  const Profile& in = made.profile;
  const runtime::SeccompModel model = runtime::seccomp_model(target);

  Evaluator out;
  out.default_ = outcome_of(in.default_action, in.default_errno_ret);
  out.arches_.push_back(target.arch);
  bool native_listed = false;
  for (const std::string& name : in.architectures) {
    const std::optional<Arch> arch = kernel::arch_from_scmp(name);
    // An architecture without a table here is one that the target's kernel
    // never shows to a filter.
    native_listed = native_listed || arch == target.arch;
    if (arch && !out.has(*arch)) {
      out.arches_.push_back(*arch);
    }
  }
  for (const Entry& entry : in.entries) {
    for (const std::string& name : entry.names) {
      out.add(entry, name, target);
    }
  }

  // runc's stub, unless the default action lets calls through.
  const Action fallback = in.default_action;
  if (!model.enosys_stub || fallback == Action::Allow ||
      fallback == Action::Log || fallback == Action::Trace) {
    return out;
  }
  for (const Arch arch : out.arches_) {
    if (arch == target.arch && !native_listed && !model.stub_covers_native) {
      continue;
    }
    std::uint32_t last = 0;
    for (const Entry& entry : in.entries) {
      for (const std::string& name : entry.names) {
        // Asked for the number of a multiplexed call on i386, libseccomp
        // answers with a pseudo number, which does not count.
        if (arch == Arch::I386 && runtime::multiplexed_on_i386(name)) {
          continue;
        }
        const auto nr = kernel::syscall_number(arch, name);
        if (nr && runtime::libseccomp_knows(target, {arch, *nr})) {
          last = std::max(last, filter_number({arch, *nr}));
        }
      }
    }
    if (last != 0) {
      out.boundary_[arch] = last;
    }
  }
  return out;
}

bool Evaluator::has(Arch arch) const {
  return std::ranges::find(arches_, arch) != arches_.end();
}

std::optional<std::uint32_t> Evaluator::stub_boundary(Arch arch) const {
  const auto it = boundary_.find(arch);
  return it == boundary_.end() ? std::nullopt : std::optional(it->second);
}

// runc tells x32 by bit 30 alone.
bool Evaluator::stubbed(std::uint32_t audit_arch, std::uint32_t nr) const {
  for (const auto& [arch, last] : boundary_) {
    if (kernel::audit_arch(arch) != audit_arch) {
      continue;
    }
    const bool two_modes = arch == Arch::X86_64 || arch == Arch::X32;
    if (two_modes && ((nr & kX32Bit) != 0) != (arch == Arch::X32)) {
      continue;
    }
    if (nr > last) {
      return true;
    }
  }
  return false;
}

const CallRules* Evaluator::rules(std::uint32_t audit_arch,
                                  std::uint32_t nr) const {
  const auto it = rules_.find({audit_arch, nr});
  return it == rules_.end() ? nullptr : &it->second;
}

Outcome Evaluator::outcome(std::uint32_t audit_arch, std::uint32_t nr,
                           const Arguments& args) const {
  constexpr Outcome kBadArch{.action = Action::KillThread, .error = 0};
  if (stubbed(audit_arch, nr)) {
    return {.action = Action::Errno, .error = kEnosys};
  }
  const bool present = std::ranges::any_of(arches_, [&](Arch arch) {
    return kernel::audit_arch(arch) == audit_arch;
  });
  if (!present) {
    return kBadArch;
  }
  if (audit_arch == kernel::audit_arch(Arch::X86_64)) {
    const bool x32 = nr >= kX32Bit;
    if (x32 && !has(Arch::X32) && nr != kNoCall) {
      return kBadArch;
    }
    if (!x32 && !has(Arch::X86_64)) {
      return kBadArch;
    }
  }
  const CallRules* call = rules(audit_arch, nr);
  if (call == nullptr) {
    return default_;
  }
  if (call->always) {
    return *call->always;
  }
  const auto* arch = std::ranges::find_if(kernel::kAllArches, [&](Arch each) {
    return kernel::audit_arch(each) == audit_arch;
  });
  const bool wide =
      *arch != Arch::I386 && !(*arch == Arch::X86_64 && nr >= kX32Bit);
  const std::uint64_t width = wide ? ~0ULL : kLowHalf;
  for (const Alternative& rule : call->alternatives) {
    if (std::ranges::all_of(rule.all, [&](const Condition& condition) {
          return holds(condition, args[condition.index] & width);
        })) {
      return rule.outcome;
    }
  }
  return default_;
}

Result<Outcome> evaluate(const Profile& profile, const runtime::Target& target,
                         std::uint32_t audit_arch, std::uint32_t nr,
                         const Arguments& args) {
  TRY_ASSIGN(const Evaluator evaluator, Evaluator::of(profile, target));
  return evaluator.outcome(audit_arch, nr, args);
}

}  // namespace vambrace::policy::seccomp
