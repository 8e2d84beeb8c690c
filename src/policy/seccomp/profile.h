#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/syscalls.h"

// The seccomp profile of the OCI runtime specification (linux.seccomp), with
// Docker's and Podman's additions.
namespace vambrace::policy::seccomp {

enum class Action : std::uint8_t {
  KillProcess,
  KillThread,  // SCMP_ACT_KILL and SCMP_ACT_KILL_THREAD
  Trap,
  Errno,
  Notify,
  Trace,
  Log,
  Allow,
};

enum class Compare : std::uint8_t { Ne, Lt, Le, Eq, Ge, Gt, MaskedEq };

struct Condition {
  std::uint32_t index = 0;
  Compare op = Compare::Eq;
  std::uint64_t value = 0;      // the mask for MaskedEq
  std::uint64_t value_two = 0;  // the compared value for MaskedEq
  auto operator<=>(const Condition&) const = default;
};

// Docker's includes and excludes.
struct Filter {
  std::vector<std::string> caps;
  std::vector<std::string> arches;  // Go names: amd64, arm64, x32
  std::string min_kernel;           // "4.8"; empty: any
  auto operator<=>(const Filter&) const = default;
};

struct Entry {
  std::vector<std::string> names;
  // One name, given with Docker's old key `name`, which not all runtimes read.
  bool by_old_key = false;
  Action action = Action::Errno;
  std::optional<std::uint32_t> errno_ret;
  // Conditions on different indices hold together. Conditions on one index of
  // one entry are alternatives, as runc and crun read them.
  std::vector<Condition> args;
  std::string comment;
  Filter includes;
  Filter excludes;
  auto operator<=>(const Entry&) const = default;
};

struct ArchMap {
  std::string architecture;
  std::vector<std::string> sub_architectures;
  auto operator<=>(const ArchMap&) const = default;
};

struct Profile {
  Action default_action = Action::Errno;
  std::optional<std::uint32_t> default_errno_ret;
  std::vector<std::string> architectures;  // SCMP_ARCH_*
  std::vector<ArchMap> arch_map;           // exclusive with architectures
  std::vector<std::string> flags;          // SECCOMP_FILTER_FLAG_*
  std::string listener_path;
  std::string listener_metadata;
  std::vector<Entry> entries;
  auto operator<=>(const Profile&) const = default;
};

// What a filter does with one call.
struct Outcome {
  Action action = Action::Allow;
  std::uint32_t error = 0;  // errno for Errno, data for Trace and Trap
  auto operator<=>(const Outcome&) const = default;
};
// "SCMP_ACT_ERRNO(EPERM)"
std::string to_string(Outcome outcome);

// The value that a filter program returns for an outcome, and back
// (SECCOMP_RET_* of include/uapi/linux/seccomp.h). As the kernel does, an errno
// above 4095 reads as 4095 and an unknown action as KillProcess.
std::uint32_t to_return_value(Outcome outcome);
Outcome from_return_value(std::uint32_t value);

std::string_view to_string(Action action);  // "SCMP_ACT_ERRNO"
std::string_view to_string(Compare op);     // "SCMP_CMP_EQ"
std::optional<Action> action_from(std::string_view name);
std::optional<Compare> compare_from(std::string_view name);

// What a profile may be before parse refuses it. A profile of KEP-6061 is at
// most 1 MiB.
constexpr std::size_t kMaxProfileBytes = 4U << 20;
constexpr std::size_t kMaxConditions = 64;  // of one entry

// Reads OCI, Docker and Podman forms: errno names as Podman writes them become
// numbers, the old `name` becomes `names`. InvalidInput with the place for
// unknown keys, unknown actions, operators or architectures, indices above 5,
// errnos above 4095. Names of system calls are not judged: runtimes skip those
// they do not know, and lint reports them.
Result<Profile> parse(std::string_view json);

// OCI form, canonical JSON, with the keys of Docker's form only where they say
// something. parse(print(p)) == p for every profile that parse returned.
std::string print(const Profile& profile);

}  // namespace vambrace::policy::seccomp
