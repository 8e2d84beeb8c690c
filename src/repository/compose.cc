#include "repository/compose.h"

#include <algorithm>
#include <optional>

#include "policy/json.h"
#include "policy/synthesize.h"

namespace vambrace::repository {
namespace {

// A container that was recorded with more rights than its target gives. No
// evidence tells whether a program needed them; verify does.
std::optional<policy::Finding> lost_privileges(
    const evidence::Evidence& evidence, const runtime::Target& target) {
  const bool recorded_without = std::ranges::any_of(
      evidence.recordings, [](const evidence::Recording& recording) {
        return !recording.no_new_privs &&
               (recording.runtime == "runc" || recording.runtime == "crun");
      });
  if (!target.no_new_privs || !recorded_without) {
    return std::nullopt;
  }
  return policy::Finding{
      .id = "no-new-privs",
      .severity = "info",
      .place = "target: no_new_privs",
      .message =
          "the container was recorded without it and will run with it: "
          "programs that gain rights by their file (sudo, su) will not",
      .hint =
          "vambrace verify shows whether that matters; no_new_privs: false "
          "under target in bundle.yaml leaves it off"};
}

}  // namespace

Result<Composition> compose(const evidence::Evidence& evidence,
                            const Manifest& manifest,
                            const ComposeOptions& options) {
  policy::SynthesisOptions synthesis{.heal = options.heal};
  TRY_ASSIGN(synthesis.closures, policy::parse_closures(manifest.closures));
  synthesis.decisions = manifest.decisions;
  synthesis.waivers = waivers_on(manifest, options.day);

  Composition out;
  TRY_ASSIGN(out.policy, policy::synthesize(evidence, synthesis));
  out.policy.workload = manifest.workload;

  // From here on rules are final; what follows only writes them differently.
  TRY_ASSIGN(out.seccomp,
             policy::seccomp::render(out.policy, manifest.target,
                                     manifest.stage, {.layer = options.layer}));
  if (auto finding = lost_privileges(evidence, manifest.target)) {
    out.seccomp.findings.push_back(std::move(*finding));
    std::ranges::sort(out.seccomp.findings);
  }
  std::set<std::uint32_t> waived;
  for (const Waiver& waiver : synthesis.waivers) {
    TRY_ASSIGN(const policy::Subject subject,
               policy::parse_subject(waiver.what));
    if (const auto* one = std::get_if<policy::CapabilitySubject>(&subject)) {
      waived.insert(one->number);
    }
  }
  out.capabilities = policy::capabilities::render(out.policy, manifest.target,
                                                  manifest.stage, waived);
  out.contents = {
      {"policy.json", policy::print(out.policy)},
      {"seccomp.json", policy::seccomp::print(out.seccomp.profile)},
      {"capabilities.json", policy::capabilities::print(out.capabilities)},
  };
  return out;
}

Manifest manifest_for(const evidence::Evidence& evidence,
                      const runtime::Target& target, policy::Stage stage) {
  return {.workload = evidence.workload, .target = target, .stage = stage};
}

}  // namespace vambrace::repository
