#pragma once

#include <set>
#include <span>
#include <string_view>

#include "evidence/evidence.h"
#include "policy/policy.h"

// Which arguments a policy pins, and how recorded values become rules.
namespace vambrace::policy {

// More alternatives than this say that the values are not few; the call is then
// granted with any arguments and a finding.
constexpr std::size_t kMaxTuples = 16;

// CLONE_NEW* as clone(2) takes them; CLONE_NEWTIME shares its bit with the exit
// signal there and cannot be asked for (include/uapi/linux/sched.h).
constexpr std::uint64_t kCloneNamespaces = 0x7e020000;
constexpr std::uint64_t kCloneNewTime = 0x80;

// Whether who gets this errno for the call takes another by itself, as every
// libc takes clone where clone3 is answered ENOSYS: the refusal then costs
// nothing.
bool falls_back(kernel::Syscall syscall, std::uint32_t error);

struct PinnedArgument {
  std::uint8_t index = 0;
  // Narrower than what the kernel reads where some bits carry no authority.
  std::uint64_t mask = 0;
};

// Empty: a rule on this call's arguments does not pay.
std::span<const PinnedArgument> pinned_arguments(kernel::Syscall syscall);

// The tuples that let exactly the recorded values through, as far as the pinned
// bits tell them apart. nullopt: no rule can be made (unbounded, not recorded,
// too many, behind a pointer).
std::optional<std::set<ArgTuple>> pin(kernel::Syscall syscall,
                                      const evidence::Arguments& seen);

// Does every value that `narrow` lets through also pass `wide`? Both empty mean
// any arguments. Tuple by tuple: never wrongly true.
bool covers(const std::set<ArgTuple>& wide, const std::set<ArgTuple>& narrow);

// "arg0 & 0x7e020000 == 0x0, arg1 == 0x2"
std::string describe(const ArgTuple& tuple);

}  // namespace vambrace::policy
