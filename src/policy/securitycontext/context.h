#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "policy/policy.h"
#include "policy/stage.h"
#include "runtime/target.h"

namespace vambrace::policy::securitycontext {

// As which user the container's first program is started.
struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  auto operator<=>(const User&) const = default;
};

// A folder that needs a file system of its own below a read-only root.
struct Mount {
  // Only letters and digits of ASCII and "/._-+@=~": no layer that it is
  // written into reads any of these as anything else.
  std::string folder;
  // True: an empty file system in memory. False: a volume that begins with what
  // the image holds there.
  bool memory = true;
  bool executable = false;
  // Whose it is in the image; nullopt: not known.
  std::optional<FolderOwner> owner;
  auto operator<=>(const Mount&) const = default;
};

// What a container is started with, beside its image.
struct SecurityContext {
  // The container's name: a label of DNS, as Kubernetes wants it.
  std::string name;
  std::string target;
  Stage stage = Stage::Harden;
  std::optional<User> user;  // nullopt: not known, the image's own
  bool read_only_root = true;
  std::vector<Mount> mounts;             // sorted
  std::set<std::uint32_t> capabilities;  // beginning from none
  bool no_new_privs = true;
  // The AppArmor profile's name; empty: none, or the target does not say that
  // its hosts have AppArmor: engines refuse the name where there is none.
  std::string apparmor;
  // The same for what passes over it there (systemd); empty: none.
  std::string apparmor_where_known;
  // Calls by name, for what knows no arguments: systemd. Those that are refused
  // with an errno of their own stand there as "clone3:ENOSYS".
  std::set<std::string> calls;
  bool compat = false;            // calls of i386 are among them
  std::vector<Finding> findings;  // sorted

  bool runs_as_root() const { return user && user->uid == 0; }
};

struct Circumstances {
  runtime::Target target;
  Stage stage = Stage::Harden;
  std::set<std::uint32_t> capabilities;  // as granted
  // Folders where the container has a mount anyway: bundle.yaml.
  std::vector<std::string> volumes;
  std::string apparmor;  // name of the bundle's profile; empty: none
};

// The context of one policy. Never wider than what is known: without file
// facts, or with files written in the root folder itself, the root stays
// writable and a finding says so. In observe, what has no complain mode (user,
// read-only root) is left out.
//
// Findings name what contradicts; contradictions.cc has them.
SecurityContext context_of(const Policy& policy, const Circumstances& around);

// Whether other users than the first program's may be at work.
bool may_change_user(const SecurityContext& context);

// A path that may stand in every layer without quotes or escapes.
bool is_plain(std::string_view path);

}  // namespace vambrace::policy::securitycontext
