#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/target.h"

namespace vambrace::enforcer {

// What an engine or runtime is told to apply: the layers of a bundle, ready to
// be handed over. Capabilities are numbers, ascending.
struct Armour {
  std::string seccomp_path;  // absolute
  std::string seccomp_json;  // OCI form, the bytes of that file
  std::vector<std::uint32_t> capabilities;
  bool no_new_privs = true;
  std::string apparmor;  // a loaded profile's name; empty: the engine's own
  // Whose own calls are in the profile; Process: of no container runtime.
  runtime::Runtime runtime = runtime::Runtime::Runc;
};

}  // namespace vambrace::enforcer
