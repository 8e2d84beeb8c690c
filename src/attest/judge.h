#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "attest/thread_state.h"

namespace vambrace::attest {

// What a bundle says about every thread of its workload.
struct Expectation {
  std::uint64_t capabilities = 0;  // as a mask
  bool no_new_privs = true;
  bool filter = true;
  // The AppArmor profile, which children of it are as well; empty: any.
  std::string profile;
  std::string profile_mode;  // "enforce", "complain"
};

// One difference between what runs and what the bundle says.
struct Finding {
  std::string id;  // "capability-added", "no-new-privs", "no-filter", ...
  int pid = 0;
  int tid = 0;
  std::string thread;   // the thread's name
  std::string message;  // one sentence
  auto operator<=>(const Finding&) const = default;
};

// Compares every thread; `leader` is the target's first process.
//
// A program may give up what it was given: a worker without capabilities, a
// thread with a tighter bounding set or with no_new_privs where the bundle does
// without are no findings. Except in the leader's bounding set, which nobody
// but the engine is expected to have cut, so there less is a finding as well.
// More than the policy is a finding in every set of every thread.
std::vector<Finding> judge(std::span<const ThreadState> threads, int leader,
                           const Expectation& expected);

// What is unknown of a thread's AppArmor profile, if one is expected: its label
// could not be read. nullopt if nothing is.
std::optional<std::string> unread_label(const ThreadState& thread,
                                        const Expectation& expected);

// What is unknown of a thread's filters after `read` of them were read back:
// the kernel said that there are more. nullopt if nothing is.
std::optional<std::string> unread_filters(const ThreadState& thread,
                                          std::size_t read);

// The threads of `look` that no earlier look explains: neither of a process in
// `seen` nor of a child of one. What a process starts has its filters and
// no_new_privs, so a server that starts children all the time is settled; what
// comes from elsewhere is not.
std::size_t unexplained(std::span<const ThreadState> look,
                        const std::set<int>& seen);

// "CAP_CHOWN, CAP_BPF", with numbers for what has no name.
std::string capability_names(std::uint64_t mask);

}  // namespace vambrace::attest
