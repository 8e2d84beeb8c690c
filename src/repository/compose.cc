#include "repository/compose.h"

#include "policy/json.h"
#include "policy/synthesize.h"

namespace vambrace::repository {

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
