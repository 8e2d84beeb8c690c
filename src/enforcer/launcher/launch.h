#pragma once

#include <linux/filter.h>

#include <cstdint>

// How a task puts a policy on itself and becomes the program. The same code is
// part of vambrace (for `run`) and of the small static launcher that `verify`
// mounts over a workload's executable; it therefore calls the kernel directly
// and uses neither the C library nor the heap.
namespace vambrace::enforcer {

constexpr std::uint32_t kMaxInstructions = 4096;  // BPF_MAXINSNS
constexpr std::uint32_t kMaxGroups = 64;
constexpr std::uint32_t kMaxPath = 4096;
constexpr std::uint32_t kMaxWord = 256;

// What to apply. Plain bytes: `verify` appends it to the launcher's file.
struct LaunchSpec {
  std::uint64_t capabilities = 0;
  std::uint8_t no_new_privs = 1;
  // Takes the held part of the capabilities instead of refusing.
  std::uint8_t lenient = 0;
  std::uint8_t change_user = 0;
  std::uint8_t has_filter = 1;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t group_count = 0;
  std::uint32_t groups[kMaxGroups] = {};
  std::uint32_t filter_flags = 0;  // SECCOMP_FILTER_FLAG_*
  std::uint32_t filter_length = 0;
  struct sock_filter filter[kMaxInstructions] = {};

  char profile[kMaxWord] = {};  // AppArmor's; empty: as it is

  // For the mounted launcher only, all zero-terminated.
  char exe[kMaxPath] = {};       // the path it is mounted over
  char original[kMaxPath] = {};  // another path of the program
  char report[kMaxPath] = {};    // where it says what it did
  char matching[kMaxWord] = {};  // confine only if an argument is this word
};

// Follows the spec at the end of the launcher's file.
struct LaunchFooter {
  char magic[8] = {'V', 'M', 'B', 'L', 'A', 'U', 'N', '1'};
  std::uint64_t spec_bytes = sizeof(LaunchSpec);
};

// The step that failed, for a message, and the errno (0 if `step` says it all).
struct LaunchFailure {
  const char* step = nullptr;
  int error = 0;
};

// Confines the calling task: the AppArmor profile, which comes with the next
// execve, then capability sets, user, no_new_privs and the filter. After a
// success only execve, write and exit_group should be called. nullptr step on
// success.
LaunchFailure confine(const LaunchSpec& spec);

// Puts instructions in front of the filter by which marked() knows it again.
// False if the filter has no room left for them.
bool add_mark(LaunchSpec& spec);

// Whether the calling task is under a filter with that mark. Another filter,
// which whoever started the task may have, is none. A filter that was put on
// later and refuses prctl hides the mark.
bool marked();

// Confines and starts the program; returns only on failure. The filter is the
// last thing before execve.
LaunchFailure launch(const LaunchSpec& spec, const char* path,
                     char* const argv[], char* const envp[]);

}  // namespace vambrace::enforcer
