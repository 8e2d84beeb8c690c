#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "attest/judge.h"
#include "base/result.h"
#include "policy/securitycontext/context.h"

namespace vambrace::attest {

// What Docker was told to start a container with, as far as a securityContext
// speaks of it.
struct ContainerOptions {
  std::string user;  // "999:998", "redis", or "": the image's
  bool privileged = false;
  bool read_only_root = false;
  std::set<std::string> memory;  // folders with a tmpfs
  std::set<std::string> mounts;  // other folders that are mounted writable
  std::set<std::string> added;   // capabilities, "CAP_CHOWN"
  std::set<std::string> dropped;
  bool no_new_privs = false;
  bool default_seccomp = true;  // no profile was named
  std::string apparmor;         // the profile's name
  auto operator<=>(const ContainerOptions&) const = default;
};

// The template for `docker inspect --format` whose answer parse_options reads.
extern const char* const kInspectFormat;

// InvalidInput if it is not what the template gives.
Result<ContainerOptions> parse_options(std::string_view text);

// One finding for each option that is not what the context says. `volumes` are
// folders where the container may have mounts of its own. A user told by name
// is compared with nothing; `unknown` says so.
std::vector<Finding> judge_options(
    const ContainerOptions& running,
    const policy::securitycontext::SecurityContext& context,
    const std::vector<std::string>& volumes, std::vector<std::string>& unknown);

}  // namespace vambrace::attest
