#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/syscalls.h"
#include "policy/seccomp/profile.h"
#include "runtime/target.h"

// What a profile does on a target, read off the profile itself: no filter is
// compiled here.
namespace vambrace::policy::seccomp {

using Arguments = std::array<std::uint64_t, 6>;

// What the kernel adds to the numbers of x32 (__X32_SYSCALL_BIT).
constexpr std::uint32_t kX32Bit = 0x40000000;
// What an architecture with 32-bit registers compares.
constexpr std::uint64_t kLowHalf = 0xffffffff;

// Conditions that hold together, reduced to what the architecture compares.
struct Alternative {
  std::vector<Condition> all;  // indices distinct
  Outcome outcome;
};

// What happens to one call of one architecture.
//
// An entry without conditions decides, wherever it stands: libseccomp lets it
// replace what came before and ignores what comes after. Without one, the first
// matching alternative in the order of the profile decides. (libseccomp orders
// overlapping alternatives with different actions in its own way; where that
// makes a difference, enforcer::compile_checked refuses the profile.)
struct CallRules {
  std::optional<Outcome> always;
  std::vector<Alternative> alternatives;  // empty if `always`
};

// A profile made ready for one target. Immutable; cheap to ask.
class Evaluator {
 public:
  // InvalidInput where the target's runtime refuses the profile.
  static Result<Evaluator> of(const Profile& profile,
                              const runtime::Target& target);

  // The answer for a call as seccomp_data shows it: AUDIT_ARCH_* and the number
  // with bit 30 set for x32. Calls of architectures that the filter does not
  // have, and x32 numbers where it has only x86_64, are killed (libseccomp's
  // bad-architecture action).
  Outcome outcome(std::uint32_t audit_arch, std::uint32_t nr,
                  const Arguments& args) const;

  // The rules for one call, nullptr if the profile has none that reach it. `nr`
  // as above.
  const CallRules* rules(std::uint32_t audit_arch, std::uint32_t nr) const;

  // The architectures in the filter: those listed and the target's own.
  std::span<const kernel::Arch> arches() const { return arches_; }
  bool has(kernel::Arch arch) const;
  Outcome default_outcome() const { return default_; }
  // The number above which the runtime's stub answers ENOSYS; nullopt where no
  // stub stands.
  std::optional<std::uint32_t> stub_boundary(kernel::Arch arch) const;
  // Names in the profile that the target's libseccomp does not know.
  const std::vector<std::string>& unknown_names() const { return unknown_; }

 private:
  Evaluator() = default;
  void add(const Entry& entry, const std::string& name,
           const runtime::Target& target);
  void add_rule(std::uint32_t audit_arch, std::uint32_t nr, bool wide,
                const std::vector<Condition>& conditions, Outcome outcome);
  bool stubbed(std::uint32_t audit_arch, std::uint32_t nr) const;

  Outcome default_;
  std::vector<kernel::Arch> arches_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, CallRules> rules_;
  std::map<kernel::Arch, std::uint32_t> boundary_;
  std::vector<std::string> unknown_;
};

// One question. Prepare an Evaluator to ask many.
Result<Outcome> evaluate(const Profile& profile, const runtime::Target& target,
                         std::uint32_t audit_arch, std::uint32_t nr,
                         const Arguments& args);

// Does the call happen, with or without a note in the log?
bool lets_through(Outcome outcome);

// Does one condition hold, compared on 64 bits?
bool holds(const Condition& condition, std::uint64_t argument);

// The number as seccomp_data shows it: bit 30 added for x32.
std::uint32_t filter_number(kernel::Syscall syscall);

}  // namespace vambrace::policy::seccomp
