#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "kernel/syscalls.h"
#include "policy/seccomp/profile.h"
#include "runtime/model.h"

// Profiles for property tests: small, and full of what profiles can say.
namespace vambrace::enforcer {

// How many of the wanted rounds this build makes. Without optimization and with
// sanitizers one takes some fifty times as long; it then looks for faults of
// ours in the code, and the optimized build searches for disagreements.
inline std::uint64_t rounds(std::uint64_t wanted) {
#ifdef NDEBUG
  return wanted;
#else
  const std::uint64_t made = wanted / 20;
  fmt::print("{} of {} rounds: this build is not optimized\n", made, wanted);
  return made;
#endif
}

class RandomProfile {
 public:
  explicit RandomProfile(std::uint64_t seed) : random_(seed) {}

  // No entry asks two conditions of one call that overlap with different
  // actions unless `contradictions`.
  policy::seccomp::Profile make(bool contradictions) {
    using policy::seccomp::Action;
    policy::seccomp::Profile out;
    out.default_action =
        pick({Action::KillProcess, Action::KillThread, Action::Trap,
              Action::Errno, Action::Errno, Action::Errno, Action::Trace,
              Action::Log, Action::Allow});
    if (takes_errno(out.default_action) && chance(2)) {
      out.default_errno_ret = below(140);
    }
    for (const char* arch :
         {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"}) {
      if (chance(2)) {
        out.architectures.emplace_back(arch);
      }
    }
    const std::uint32_t entries = 1 + below(10);
    for (std::uint32_t i = 0; i < entries; ++i) {
      out.entries.push_back(entry());
    }
    if (!contradictions) {
      same_action_for_each_call(out);
    }
    return out;
  }

  // What synthesis renders: names that every architecture of the profile has
  // under a number of its own, 32-bit values under a mask, each call in one
  // entry, alternatives only on one argument.
  policy::seccomp::Profile make_rendered() {
    using policy::seccomp::Action;
    policy::seccomp::Profile out;
    out.default_action = pick({Action::Errno, Action::Errno, Action::Log,
                               Action::KillProcess, Action::Trap});
    out.architectures.emplace_back("SCMP_ARCH_X86_64");
    if (chance(3)) {
      out.architectures.emplace_back("SCMP_ARCH_X86");
    }
    std::set<std::string> used;
    const std::uint32_t entries = 1 + below(12);
    for (std::uint32_t i = 0; i < entries; ++i) {
      policy::seccomp::Entry entry;
      entry.action = pick(
          {Action::Allow, Action::Allow, Action::Errno, Action::KillProcess});
      if (entry.action == Action::Errno) {
        entry.errno_ret = pick<std::uint32_t>({1, 38, 97});
      }
      const std::uint32_t names = 1 + below(20);
      for (std::uint32_t n = 0; n < names; ++n) {
        const std::string each = shared_name();
        if (used.insert(each).second) {
          entry.names.push_back(each);
        }
      }
      if (!entry.names.empty()) {
        if (chance(2)) {
          entry.args = rendered_conditions();
        }
        out.entries.push_back(std::move(entry));
      }
    }
    return out;
  }

 private:
  // A name that both x86_64 and i386 have, and no multiplexer.
  std::string shared_name() {
    for (;;) {
      const std::string each = name();
      const auto nr = kernel::syscall_number(kernel::Arch::X86_64, each);
      if (nr && kernel::syscall_number(kernel::Arch::I386, each) &&
          !runtime::multiplexed_on_i386(each)) {
        return each;
      }
    }
  }

  std::vector<policy::seccomp::Condition> rendered_conditions() {
    using policy::seccomp::Compare;
    std::vector<policy::seccomp::Condition> out;
    const bool alternatives = chance(2);
    const std::uint32_t index = below(3);
    const std::uint64_t mask =
        pick<std::uint64_t>({0xffffffff, 0xffffffff, 0x7e020000, 0xff});
    const std::uint32_t count = 1 + below(alternatives ? 6 : 3);
    for (std::uint32_t i = 0; i < count; ++i) {
      out.push_back({.index = alternatives ? index : index + i,
                     .op = Compare::MaskedEq,
                     .value = mask,
                     .value_two = value() & mask});
    }
    return out;
  }

  template <class T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[below(static_cast<std::uint32_t>(choices.size()))];
  }
  std::uint32_t below(std::uint32_t limit) {
    return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random_);
  }
  bool chance(std::uint32_t one_in) { return below(one_in) == 0; }

  static bool takes_errno(policy::seccomp::Action action) {
    return action == policy::seccomp::Action::Errno ||
           action == policy::seccomp::Action::Trace;
  }

  std::string name() {
    static const char* const kFavorites[] = {
        "socket",     "clone", "personality", "shmget",      "ioctl",
        "socketcall", "ipc",   "mmap2",       "no_such",     "accept4",
        "prctl",      "read",  "execve",      "futex_waitv", "mseal"};
    if (chance(3)) {
      return kFavorites[below(std::size(kFavorites))];
    }
    const kernel::Arch arch =
        chance(3) ? kernel::Arch::I386 : kernel::Arch::X86_64;
    const auto numbers = kernel::syscall_numbers(arch);
    const std::uint32_t nr =
        numbers[below(static_cast<std::uint32_t>(numbers.size()))];
    return std::string(*kernel::syscall_name({arch, nr}));
  }

  std::uint64_t value() {
    switch (below(5)) {
      case 0:
        return below(4);
      case 1:
        return pick<std::uint64_t>({0xffffffff, 0x100000000, 0x100000002,
                                    0x80000000, ~0ULL, 0x7fffffffffffffff});
      case 2:
        return static_cast<std::uint64_t>(below(3)) << 32 | below(3);
      case 3:
        return std::uint64_t{1} << below(64);
      default:
        return random_();
    }
  }

  policy::seccomp::Condition condition() {
    using policy::seccomp::Compare;
    policy::seccomp::Condition out;
    out.index = chance(2) ? 0 : below(6);
    out.op =
        pick({Compare::Ne, Compare::Lt, Compare::Le, Compare::Eq, Compare::Ge,
              Compare::Gt, Compare::MaskedEq, Compare::MaskedEq});
    out.value = value();
    if (out.op == Compare::MaskedEq) {
      out.value = pick<std::uint64_t>(
          {0xffffffff, ~0ULL, 0x7e020000, 0xff, 0, 0xffff00000000, out.value});
      out.value_two = value();
    }
    return out;
  }

  policy::seccomp::Entry entry() {
    using policy::seccomp::Action;
    policy::seccomp::Entry out;
    const std::uint32_t names = 1 + below(4);
    for (std::uint32_t i = 0; i < names; ++i) {
      out.names.push_back(name());
    }
    out.action = pick({Action::KillProcess, Action::KillThread, Action::Trap,
                       Action::Errno, Action::Errno, Action::Trace, Action::Log,
                       Action::Allow, Action::Allow, Action::Allow});
    if (takes_errno(out.action) && chance(2)) {
      out.errno_ret = below(140);
    }
    if (chance(2)) {
      const std::uint32_t conditions = 1 + below(4);
      for (std::uint32_t i = 0; i < conditions; ++i) {
        out.args.push_back(condition());
      }
    }
    return out;
  }

  static void same_action_for_each_call(policy::seccomp::Profile& profile) {
    std::map<std::string, const policy::seccomp::Entry*> first;
    std::vector<policy::seccomp::Entry> entries = profile.entries;
    for (policy::seccomp::Entry& entry : profile.entries) {
      std::erase_if(entry.names, [&](const std::string& each) {
        const auto it = first.find(each);
        return it != first.end() && (it->second->action != entry.action ||
                                     it->second->errno_ret != entry.errno_ret);
      });
      for (const std::string& each : entry.names) {
        const auto at = static_cast<std::size_t>(&entry - &profile.entries[0]);
        first.emplace(each, &entries[at]);
      }
    }
    std::erase_if(profile.entries, [](const policy::seccomp::Entry& entry) {
      return entry.names.empty();
    });
  }

  std::mt19937_64 random_;
};

}  // namespace vambrace::enforcer
