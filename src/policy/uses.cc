#include "policy/uses.h"

#include <algorithm>

#include "kernel/errnos.h"
#include "policy/arguments.h"

namespace vambrace::policy {
namespace {

void add_counts(std::map<std::string, std::uint64_t>& to,
                const std::map<std::string, std::uint64_t>& from) {
  for (const auto& [name, count] : from) {
    to[name] += count;
  }
}

void add_args(evidence::Arguments& to, bool& unseen,
              const std::optional<evidence::Arguments>& from) {
  if (from) {
    to.add_all(*from);
  } else {
    unseen = true;
  }
}

// The one errno that a call always gave, if all `count` gave it.
std::optional<std::uint32_t> only_errno(
    const std::map<std::string, std::uint64_t>& errnos, std::uint64_t count) {
  if (count == 0 || errnos.size() != 1 || errnos.begin()->second != count) {
    return std::nullopt;
  }
  return kernel::errno_number(errnos.begin()->first);
}

}  // namespace

CallUses uses_of(const evidence::Evidence& evidence) {
  CallUses uses;
  for (const evidence::Process& process : evidence.processes) {
    if (!counts(process.key.origin)) {
      continue;
    }
    for (const evidence::SyscallFact& fact : process.syscalls) {
      const evidence::Share share = evidence::total(fact.by);
      CallUse& use = uses[fact.syscall];
      use.count += share.count;
      add_counts(use.errnos, share.errnos);
      use.denied += share.denied;
      add_counts(use.denied_errnos, share.denied_errnos);
      if (share.count > 0) {
        add_args(use.args, use.args_unseen, fact.args);
        use.reasons.add(Cause::Observed, process.key, share);
      }
      if (share.denied > 0) {
        add_args(use.denied_args, use.denied_args_unseen, fact.denied_args);
        use.denied_reasons.add(Cause::Denied, process.key, share);
      }
    }
  }
  return uses;
}

bool is_hurt(kernel::Syscall syscall, const CallUse& use) {
  const auto error = only_errno(use.denied_errnos, use.denied);
  return use.denied > 0 && !(error && falls_back(syscall, *error));
}

std::optional<std::uint32_t> always_refused(const CallUse& use, bool healed) {
  if (healed) {
    return std::nullopt;
  }
  if (use.count == 0) {
    return only_errno(use.denied_errnos, use.denied);
  }
  const auto error = only_errno(use.errnos, use.count);
  return error == kernel::kEnosys || error == kernel::kEperm ? error
                                                             : std::nullopt;
}

}  // namespace vambrace::policy
