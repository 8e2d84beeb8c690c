#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "evidence/evidence.h"
#include "policy/policy.h"
#include "policy/stage.h"
#include "runtime/target.h"

namespace vambrace::repository {

// A person's choice about one rule, kept in bundle.yaml.
struct Decision {
  std::string what;    // "syscall ptrace", "capability NET_ADMIN"
  std::string choice;  // "keep", "drop", "add"
  std::string who;
  std::string why;
  auto operator<=>(const Decision&) const = default;
};

struct Waiver {
  std::string what;
  std::string who;
  std::string why;
  std::string until;  // 2026-12-31
  auto operator<=>(const Waiver&) const = default;
};

// bundle.yaml: the file people edit.
struct Manifest {
  evidence::Workload workload;
  runtime::Target target;
  policy::Stage stage = policy::Stage::Harden;
  std::vector<std::string> closures;  // "resilient libc", "arch aarch64"
  std::vector<std::string> probes;    // declared probe commands, argv[0]s
  std::vector<Decision> decisions;
  std::vector<Waiver> waivers;
  auto operator<=>(const Manifest&) const = default;
};

// Schema vambrace.bundle/v1. InvalidInput with the line for unknown keys,
// aliases that expand, depth or size beyond the limits.
Result<Manifest> parse_manifest(std::string_view yaml);
std::string print_manifest(const Manifest& manifest);

// A bundle folder as it is on disk.
struct Bundle {
  std::string directory;
  Manifest manifest;
  policy::Policy policy;
  std::string seccomp_json;                 // as rendered
  std::vector<std::uint32_t> capabilities;  // as rendered
};

// Reads bundle.yaml, policy.json, seccomp.json and capabilities.json.
Result<Bundle> load_bundle(const Files& files, const std::string& directory);

// The evidence of a bundle folder (evidence/*.json), merged.
Result<evidence::Evidence> load_bundle_evidence(const Files& files,
                                                const std::string& directory);

}  // namespace vambrace::repository
