#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "enforcer/armour.h"

namespace vambrace::enforcer {

// The config.json of an OCI bundle with the armour put in:
// process.capabilities, process.noNewPrivileges and linux.seccomp. Nothing else
// changes, except that root.path and the sources of bind mounts become absolute
// (relative to `bundle`, the folder the text came from), since the copy lies
// elsewhere. InvalidInput if it is not the configuration of a Linux container.
Result<std::string> armoured_config(std::string_view config,
                                    std::string_view bundle,
                                    const Armour& armour);

// The words after "runc" without the ones that name the bundle folder.
struct RuncStart {
  std::vector<std::string> before;  // global options and the subcommand
  std::vector<std::string> after;   // its other options and the container
  std::string bundle;               // empty: the working directory
  std::string container;
};

// nullopt for any subcommand but run and create.
Result<std::optional<RuncStart>> parse_runc(std::span<const std::string> words);

// The words with another bundle folder.
std::vector<std::string> with_bundle(const RuncStart& start,
                                     const std::string& bundle);

}  // namespace vambrace::enforcer
