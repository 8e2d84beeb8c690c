#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "enforcer/armour.h"

namespace vambrace::enforcer {

// A `docker run` or `docker create` as it was typed, split where it matters.
struct DockerStart {
  std::vector<std::string> before;  // global options and the subcommand
  std::vector<std::string> options;
  std::vector<std::string> rest;  // image, command, arguments
  std::string name;               // --name; empty if Docker chooses
  std::string image;
  std::string runtime;  // --runtime; empty if Docker chooses
};

// Splits the words after "docker". nullopt for any other subcommand (exec, ps,
// build, ...). InvalidInput if an option is not known and its end can
// therefore not be told: --option=value always can.
Result<std::optional<DockerStart>> parse_docker(
    std::span<const std::string> words);

// The words after "docker" with the armour put in. Denied for what would undo
// it or argue with it: --privileged, another seccomp or AppArmor profile, a
// capability that the policy does not have, no-new-privileges the other way
// round, a runtime whose own calls are not in the profile. Without complaint it
// takes the place of seccomp=unconfined and apparmor=unconfined.
Result<std::vector<std::string>> put_on(const DockerStart& start,
                                        const Armour& armour);

}  // namespace vambrace::enforcer
