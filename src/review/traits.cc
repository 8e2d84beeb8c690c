#include "review/traits.h"

#include <algorithm>

#include "evidence/span.h"
#include "policy/reasons.h"

namespace vambrace::review {
namespace {

// So often at most, a grant is rare.
constexpr std::uint64_t kRareCount = 3;
// With fewer phases, that something was seen in one of them says little.
constexpr std::uint64_t kSeveralPhases = 3;

// execve, the loader (elf/rtld.c of glibc, ldso/dynlink.c of musl) and the
// start of the C library (csu/libc-start.c), sorted.
constexpr std::string_view kEveryStart[] = {
    "access",
    "arch_prctl",
    "brk",
    "close",
    "execve",
    "exit_group",
    "fstat",
    "getrandom",
    "mmap",
    "mprotect",
    "munmap",
    "newfstatat",
    "openat",
    "pread64",
    "prlimit64",
    "read",
    "rseq",
    "set_robust_list",
    "set_tid_address",
};
static_assert(std::ranges::is_sorted(kEveryStart));

bool only(const Grant& grant, std::initializer_list<Role> roles) {
  return !grant.needs.empty() &&
         std::ranges::all_of(grant.needs, [&](const Need& need) {
           return std::ranges::find(roles, need.role) != roles.end();
         });
}

std::set<std::string> told_phases(
    const std::map<std::string, std::uint64_t>& counts) {
  std::set<std::string> names;
  for (const auto& [phase, count] : counts) {
    if (phase != evidence::kAcrossTests && count > 0) {
      names.insert(phase);
    }
  }
  return names;
}

}  // namespace

bool is_of_every_start(std::string_view syscall) {
  return std::ranges::binary_search(kEveryStart, syscall);
}

Habits::Habits(const evidence::Evidence& evidence)
    : recordings_(evidence.recordings.size()) {
  std::map<std::string, std::uint64_t> counts;
  for (const evidence::Process& process : evidence.processes) {
    if (!policy::counts(process.key.origin)) {
      continue;
    }
    for (const evidence::SyscallFact& fact : process.syscalls) {
      for (const auto& [phase, count] : evidence::total(fact.by).phases) {
        counts[phase] += count;
      }
    }
  }
  const std::set<std::string> phases = told_phases(counts);
  phases_ = phases.size();
  for (const evidence::Recording& recording : evidence.recordings) {
    if (recording.phases.size() > 1) {
      first_phases_.insert(recording.phases.front().name);
    }
  }
}

bool Habits::began(const Grant& grant) const {
  return std::ranges::any_of(first_phases_, [&](const std::string& phase) {
    return grant.phases.contains(phase);
  });
}

bool Habits::is_rare(const Grant& grant) const {
  const bool regular = recordings_ > 1 && grant.recordings == recordings_;
  return grant.count > 0 && grant.count <= kRareCount && !regular &&
         !began(grant);
}

std::set<Trait> Habits::traits_of(const Grant& grant) const {
  std::set<Trait> traits;
  if (only(grant, {Role::Runtime})) {
    traits.insert(Trait::RuntimeOnly);
  } else if (only(grant, {Role::Always, Role::Closure, Role::Decision})) {
    traits.insert(Trait::Unobserved);
  } else if (only(grant, {Role::Helper, Role::Probe})) {
    traits.insert(Trait::HelperOnly);
  }
  if (grant.count == 0) {
    return traits;
  }
  const std::set<std::string> phases = told_phases(grant.phases);
  const bool start_only = phases_ > 1 && !phases.empty() &&
                          std::ranges::includes(first_phases_, phases);
  if (start_only) {
    traits.insert(Trait::StartupOnly);
  } else if (phases.size() == 1 && phases_ >= kSeveralPhases) {
    traits.insert(Trait::OnePhase);
  }
  if (recordings_ > 1 && grant.recordings == 1) {
    traits.insert(Trait::OneRecording);
  }
  if (is_rare(grant)) {
    traits.insert(Trait::Rare);
  }
  return traits;
}

}  // namespace vambrace::review
