#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evidence/evidence.h"
#include "policy/apparmor/render.h"
#include "policy/capabilities/reduce.h"
#include "policy/seccomp/render.h"
#include "policy/securitycontext/context.h"
#include "repository/bundle.h"

namespace vambrace::repository {

// A policy as one target gets it at one stage.
struct Layers {
  policy::seccomp::Rendered seccomp;
  policy::capabilities::Grant capabilities;
  policy::apparmor::Rendered apparmor;
  // Each of rendered_files(), ready to be written.
  std::map<std::string, std::string> contents;
};

// `layer` is a local calibration; nullptr: what ships. Pure: the same arguments
// give the same bytes.
Result<Layers> render(const policy::Policy& policy,
                      const runtime::Target& target, policy::Stage stage,
                      const std::set<std::uint32_t>& waived,
                      const runtime::RuntimeLayer* layer);

// What a container is started with beside the profile, as bundle.yaml has it;
// `capabilities` as granted, `apparmor` as rendered.
policy::securitycontext::SecurityContext security_context(
    const policy::Policy& policy, const Manifest& manifest,
    const std::set<std::uint32_t>& capabilities,
    const policy::apparmor::Rendered& apparmor);

// The capabilities that waivers speak of.
std::set<std::uint32_t> waived_capabilities(const std::vector<Waiver>& waivers);

// The local calibration that a bundle holds for a target; nullopt: what ships.
Result<std::optional<runtime::RuntimeLayer>> kept_layer(
    const Bundle& bundle, const runtime::Target& target);

// What the policy.json and bundle.yaml of a bundle render to for its own target
// and stage. A waiver that has ended by `day` (2026-12-31) still grants what
// the bundle's files rest on.
Result<Layers> own_layers(const Bundle& bundle, std::string_view day);

// Which rendered files of a bundle are not its own_layers(), sorted. Somebody
// edited them, or another version wrote them. A file of the context that is not
// there is none of them: see missing_files(). Comments in apparmor.profile make
// no other file of it: they may be there or not.
std::vector<std::string> edited_layers(const Bundle& bundle,
                                       const Layers& layers);
Result<std::vector<std::string>> edited_layers(const Bundle& bundle,
                                               std::string_view day);

// Which files that synth writes for the container's start a bundle lacks,
// sorted. One that an older version made has none of them.
std::vector<std::string> missing_files(const Bundle& bundle);

struct ComposeOptions {
  bool heal = false;
  std::string day;  // 2026-12-31: which waivers still hold
  // A local calibration; nullptr: what ships. Must outlive the call.
  const runtime::RuntimeLayer* layer = nullptr;
  // Reasons and examples in apparmor.profile.
  bool comments = false;
  // What an AppArmor profile may include. With `choose` those that fit nowhere
  // are not kept in the policy.
  std::vector<policy::Abstraction> abstractions;
  bool choose = false;
};

// Everything that `vambrace synth` derives from evidence and bundle.yaml.
struct Composition {
  policy::Policy policy;
  policy::seccomp::Rendered seccomp;
  policy::capabilities::Grant capabilities;
  policy::apparmor::Rendered apparmor;
  policy::securitycontext::SecurityContext context;
  // policy.json, rendered_files() and the files of the context, ready to be
  // written.
  std::map<std::string, std::string> contents;
};

// Pure: the same evidence, manifest and options give the same bytes.
Result<Composition> compose(const evidence::Evidence& evidence,
                            const Manifest& manifest,
                            const ComposeOptions& options);

// A manifest for evidence that has none yet.
Manifest manifest_for(const evidence::Evidence& evidence,
                      const runtime::Target& target, policy::Stage stage);

}  // namespace vambrace::repository
