#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "enforcer/armour.h"
#include "enforcer/private_place.h"

namespace vambrace::enforcer {

// How a command takes a policy.
enum class Engine : std::uint8_t { Process, Docker, Runc };

// Docker for a command called docker, Runc for runc and crun, Process for the
// rest.
Engine engine_of(const std::string& program);
std::string_view to_string(Engine engine);

// An engine's command line with the armour in it.
struct EngineStart {
  std::vector<std::string> words;
  // False: not a run or create (or not the chosen container): `words` are as
  // they were given.
  bool armoured = false;
  // The engine reads files of the place after it has returned (runc create).
  bool keeps_files = false;
};

// Puts the armour into `docker run|create ...` or `runc run|create ...`. Copies
// of files go into `place`. `only`: container names, image names or bundle
// folders to which the armour is restricted; empty: any.
Result<EngineStart> engine_start(Engine engine,
                                 const std::vector<std::string>& command,
                                 const Armour& armour,
                                 std::span<const std::string> only,
                                 const Files& files, const PrivatePlace& place);

}  // namespace vambrace::enforcer
