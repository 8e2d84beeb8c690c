#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "enforcer/apparmor/labels.h"

namespace vambrace::enforcer::apparmor {

// Where the kernel shows AppArmor's state.
inline constexpr const char* kKernel = "/sys/kernel/security/apparmor";

// A profile, and who runs under it.
struct Use {
  Profile profile;
  bool listed = true;  // false: only a process bears it
  std::vector<int> pids;
};

// What a name in a policy meets in the kernel.
enum class Presence : std::uint8_t {
  Absent,
  Same,     // loaded from the very bytes
  Other,    // loaded from other bytes
  Unknown,  // loaded, but the kernel does not show from what
};

// Whether this kernel runs with AppArmor. Asks for no right.
bool is_enabled(const Files& files);

// Unsupported, with the next step, if this kernel runs without AppArmor, or its
// files are not mounted; Unavailable if they may not be read.
Result<std::vector<Profile>> loaded_profiles(const Files& files);

// Every loaded profile, and labels that only processes bear, sorted by name.
// Processes that end while this looks are left out.
Result<std::vector<Use>> uses(const Files& files);

// For each of the names, how the kernel's profile compares with this compiled
// policy.
Result<std::map<std::string, Presence>> presence(
    const Files& files, const std::vector<std::string>& names,
    std::string_view policy);

// Adds all profiles of a compiled policy, or none: the kernel takes them in one
// write, and refuses (Denied) if one of their names is loaded already.
Result<> add(std::string_view policy);

// The same, but profiles of that name are replaced, also under processes that
// run now.
Result<> replace(std::string_view policy);

// Removes a profile and its children. Processes that it confines go on without
// any confinement.
Result<> remove(const std::string& name);

}  // namespace vambrace::enforcer::apparmor
