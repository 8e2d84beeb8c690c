#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "kernel/syscalls.h"
#include "runtime/target.h"

// What engine, runtime and libseccomp of a target make of an OCI seccomp
// profile. Facts only; policy/seccomp applies them to a profile. Each fact was
// read in the source named beside it (model.cc) and confirmed by running
// containers (tests/seccomp_targets.py) for the versions of Debian 12.
namespace vambrace::runtime {

struct SeccompModel {
  // The engine applies archMap, includes, excludes and `name`; otherwise they
  // are unknown keys, which the runtime ignores: an entry with `includes` then
  // always applies.
  bool reads_engine_form = false;
  bool reads_min_kernel = false;

  // False: the engine drops the key without a word.
  bool keeps_default_errno = true;
  bool keeps_flags = true;
  // True: the runtime refuses to start the container.
  bool refuses_flags = false;
  bool refuses_unused_errno = false;  // errnoRet on an action without one
  bool refuses_notify_on_write = false;
  bool refuses_old_name =
      false;  // an entry with `name`, unless an engine reads

  // Calls above the highest number that the profile names, per architecture,
  // get ENOSYS, whatever the default action says, if that action denies.
  bool enosys_stub = false;
  // The stub covers the native architecture also where the profile does not
  // list it.
  bool stub_covers_native = false;

  // libseccomp takes no higher one, in a rule or for the default.
  std::uint32_t max_errno = 4094;

  // Conditions of one entry after this many are ignored; 0: all count.
  std::uint32_t max_conditions = 0;
  // libseccomp's binary tree is asked for above this many calls; 0: never.
  std::uint32_t tree_above = 0;
  // Flags when the profile names none (SECCOMP_FILTER_FLAG_*).
  std::uint32_t default_flags = 0;
};

SeccompModel seccomp_model(const Target& target);

// Does the target's libseccomp know this call? Names that it does not know are
// skipped by every runtime, so a rule for one has no effect.
bool libseccomp_knows(const Target& target, kernel::Syscall syscall);

// libseccomp turns a rule for one of these calls into a second rule for the
// multiplexer of i386 (socketcall, ipc), whose first argument is `code`.
struct Multiplexed {
  std::uint32_t nr = 0;  // of the multiplexer, i386
  std::uint32_t code = 0;
};
std::optional<Multiplexed> multiplexed_on_i386(std::string_view name);

// "SCMP_ARCH_*" names that the target's runtime accepts.
bool accepts_architecture(const Target& target, std::string_view scmp_name);

}  // namespace vambrace::runtime
