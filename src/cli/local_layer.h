#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "policy/policy.h"
#include "runtime/layer.h"
#include "runtime/target.h"

namespace vambrace::cli {

// Where the user's own measurement of a runtime lies, as `calibrate` writes it:
// below XDG_CONFIG_HOME, or .config in HOME. Empty without either.
std::string own_layer_file(const Environment& environment,
                           std::string_view runtime);

// The calibration that a bundle is rendered with.
struct LocalLayer {
  std::optional<runtime::RuntimeLayer> layer;  // none: what ships
  std::string from;                            // the file it was read from
  // What belongs into the bundle, so that it renders the same elsewhere.
  std::map<std::string, std::string> copies;
  std::vector<policy::Finding> findings;
};

// `asked`, else the bundle's layers/RUNTIME.json, else the user's own. The
// first two are obeyed, with a finding if they measured another version than
// the target's; the user's own is taken only if it measured that version and
// setting of no_new_privs, and a finding says so if it is not.
Result<LocalLayer> local_layer(const Environment& environment,
                               const std::string& directory,
                               const std::optional<std::string>& asked,
                               const runtime::Target& target);

}  // namespace vambrace::cli
