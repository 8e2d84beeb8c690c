#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "evidence/evidence.h"
#include "policy/decision.h"
#include "policy/policy.h"
#include "policy/stage.h"
#include "runtime/layer.h"
#include "runtime/target.h"

namespace vambrace::repository {

using policy::Decision;
using policy::Waiver;

// bundle.yaml: the file people edit.
struct Manifest {
  evidence::Workload workload;
  runtime::Target target;
  policy::Stage stage = policy::Stage::Harden;
  std::vector<std::string> closures;  // "resilient libc", "arch aarch64"
  std::vector<std::string> probes;    // declared probe commands, argv[0]s
  // Folders where the container has mounts of its own, absolute paths.
  std::vector<std::string> volumes;
  // What the hosts have below /etc/apparmor.d/abstractions and the profile may
  // include; policy.json says what is in them.
  std::vector<std::string> abstractions;
  std::vector<Decision> decisions;
  std::vector<Waiver> waivers;
  auto operator<=>(const Manifest&) const = default;
};

// Schema vambrace.bundle/v1. InvalidInput with the line for unknown keys,
// aliases that expand, depth or size beyond the limits; and for a last line
// without an end: cut within a line a file may be YAML still, without the
// decisions that came after. One that is cut between two entries is taken.
Result<Manifest> parse_manifest(std::string_view yaml);
std::string print_manifest(const Manifest& manifest);

// The same text with target, stage, closures, abstractions, decisions and
// waivers as in `wanted`: every other line, comments included, stays as people
// wrote it. Of decisions and waivers the entries that stay do, and new ones
// come after them. InvalidInput if that does not make `wanted` of it.
Result<std::string> edit_manifest(std::string_view yaml,
                                  const Manifest& wanted);

// The waivers that still hold on a day written as 2026-12-31.
std::vector<Waiver> waivers_on(const Manifest& manifest, std::string_view day);

// A bundle folder as it is on disk.
struct Bundle {
  std::string directory;
  Manifest manifest;
  policy::Policy policy;
  // The bytes of each of rendered_files(), by name.
  std::map<std::string, std::string> rendered;
  std::vector<std::uint32_t> capabilities;  // as rendered
  // Those of securitycontext::kFiles that it holds, as rendered.
  std::map<std::string, std::string> context_files;
  // The local calibrations that it holds, layers/RUNTIME.json.
  std::map<runtime::Runtime, std::vector<runtime::RuntimeLayer>> layers;
  // unfinished_files(): its files may be some of one synth and some of another.
  std::vector<std::string> unfinished;
};

// The files that are rendered from policy.json (render() in compose.h), sorted.
std::vector<std::string> rendered_files();

// Reads bundle.yaml, policy.json, the rendered files and layers/.
Result<Bundle> load_bundle(const Files& files, const std::string& directory);

// Reads bundle.yaml alone; NotFound if the folder has none yet.
Result<Manifest> load_manifest(const Files& files,
                               const std::string& directory);

// A local calibration of the target's runtime, layers/RUNTIME.json; nullopt if
// the folder has none.
Result<std::optional<runtime::RuntimeLayer>> load_local_layer(
    const Files& files, const std::string& directory,
    const runtime::Target& target);

// Which of these files, named relative to the folder, are not there with these
// bytes. Sorted.
std::vector<std::string> changed_files(
    const Files& files, const std::string& directory,
    const std::map<std::string, std::string>& contents);

// What a write_bundle() that was killed had written out and not put in place,
// named relative to the folder; or one that is at it right now. Sorted.
std::vector<std::string> unfinished_files(const Files& files,
                                          const std::string& directory);

// Removes those. Only for who holds the folder against other writers.
void remove_unfinished(Files& files, const std::string& directory);

// Writes files of a bundle, named relative to its folder, all or none: each is
// staged beside its place first, so that a full disk leaves the old bundle.
// Files whose bytes are already there are left alone; returns the names of the
// written ones.
//
// What is made of others comes after them: evidence, calibrations, the entry in
// CHANGELOG.md, bundle.yaml, policy.json, what is rendered of it. So whoever is
// killed on the way leaves the old bundle beside newer inputs, or a new policy
// beside layers that are not what it renders to, and unfinished_files() in both
// cases; docs/decisions/0015-a-synth-that-is-killed.md says why.
Result<std::vector<std::string>> write_bundle(
    Files& files, const std::string& directory,
    std::map<std::string, std::string> contents);

// The evidence of a bundle folder (evidence/*.json), merged.
Result<evidence::Evidence> load_bundle_evidence(const Files& files,
                                                const std::string& directory);

}  // namespace vambrace::repository
