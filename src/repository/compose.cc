#include "repository/compose.h"

#include <algorithm>
#include <optional>

#include "policy/apparmor/print.h"
#include "policy/examples.h"
#include "policy/json.h"
#include "policy/securitycontext/render.h"
#include "policy/synthesize.h"

namespace vambrace::repository {
namespace {

// A file of the bundle that is made from policy.json, and its bytes. One more
// is one more line, sorted by name.
struct RenderedFile {
  const char* name;
  std::string (*text)(const Layers& layers);
};

constexpr RenderedFile kRenderedFiles[] = {
    {"apparmor.profile",
     [](const Layers& layers) { return layers.apparmor.text; }},
    {"capabilities.json",
     [](const Layers& layers) {
       return policy::capabilities::print(layers.capabilities);
     }},
    {"seccomp.json",
     [](const Layers& layers) {
       return policy::seccomp::print(layers.seccomp.profile);
     }},
};

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

std::vector<std::string> rendered_files() {
  std::vector<std::string> names;
  for (const RenderedFile& file : kRenderedFiles) {
    names.emplace_back(file.name);
  }
  return names;
}

Result<Layers> render(const policy::Policy& policy,
                      const runtime::Target& target, policy::Stage stage,
                      const std::set<std::uint32_t>& waived,
                      const runtime::RuntimeLayer* layer) {
  Layers out;
  TRY_ASSIGN(out.seccomp,
             policy::seccomp::render(policy, target, stage, {.layer = layer}));
  out.capabilities =
      policy::capabilities::render(policy, target, stage, waived);
  TRY_ASSIGN(out.apparmor, policy::apparmor::render(policy, target, stage,
                                                    out.capabilities.add));
  for (const RenderedFile& file : kRenderedFiles) {
    out.contents.emplace(file.name, file.text(out));
  }
  return out;
}

policy::securitycontext::SecurityContext security_context(
    const policy::Policy& policy, const Manifest& manifest,
    const std::set<std::uint32_t>& capabilities,
    const policy::apparmor::Rendered& apparmor) {
  return policy::securitycontext::context_of(
      policy, {.target = manifest.target,
               .stage = manifest.stage,
               .capabilities = capabilities,
               .volumes = manifest.volumes,
               .apparmor = apparmor.profile ? apparmor.profile->name : ""});
}

std::set<std::uint32_t> waived_capabilities(
    const std::vector<Waiver>& waivers) {
  std::set<std::uint32_t> numbers;
  for (const Waiver& waiver : waivers) {
    const auto subject = policy::parse_subject(waiver.what);
    if (!subject) {
      continue;  // the manifest's reader has refused it
    }
    if (const auto* one = std::get_if<policy::CapabilitySubject>(&*subject)) {
      numbers.insert(one->number);
    }
  }
  return numbers;
}

Result<std::optional<runtime::RuntimeLayer>> kept_layer(
    const Bundle& bundle, const runtime::Target& target) {
  const auto kept = bundle.layers.find(target.runtime);
  if (kept == bundle.layers.end()) {
    return std::nullopt;
  }
  TRY_ASSIGN(runtime::RuntimeLayer layer,
             during(bundle.directory + "/layers",
                    runtime::choose_layer(kept->second, target)));
  return layer;
}

Result<Layers> own_layers(const Bundle& bundle, std::string_view day) {
  const Manifest& manifest = bundle.manifest;
  TRY_ASSIGN(const auto layer, kept_layer(bundle, manifest.target));
  std::set<std::uint32_t> waived =
      waived_capabilities(waivers_on(manifest, day));
  const std::set<std::uint32_t> once = waived_capabilities(manifest.waivers);
  for (const std::uint32_t number : bundle.capabilities) {
    if (once.contains(number)) {
      waived.insert(number);
    }
  }
  return during(bundle.directory,
                render(bundle.policy, manifest.target, manifest.stage, waived,
                       layer ? &*layer : nullptr));
}

std::vector<std::string> edited_layers(const Bundle& bundle,
                                       const Layers& layers) {
  const auto same = [](const std::string& name, const std::string& one,
                       const std::string& other) {
    const std::string rules = policy::apparmor::without_comments(one);
    return one == other || (name == "apparmor.profile" && !rules.empty() &&
                            rules == policy::apparmor::without_comments(other));
  };
  std::vector<std::string> edited;
  for (const auto& [name, bytes] : layers.contents) {
    const auto there = bundle.rendered.find(name);
    if (there == bundle.rendered.end() || !same(name, there->second, bytes)) {
      edited.push_back(name);
    }
  }
  for (const auto& [name, bytes] : policy::securitycontext::files_of(
           security_context(bundle.policy, bundle.manifest,
                            layers.capabilities.add, layers.apparmor))) {
    const auto held = bundle.context_files.find(name);
    if (held != bundle.context_files.end() && held->second != bytes) {
      edited.push_back(name);
    }
  }
  std::ranges::sort(edited);
  return edited;
}

Result<std::vector<std::string>> edited_layers(const Bundle& bundle,
                                               std::string_view day) {
  TRY_ASSIGN(const Layers layers, own_layers(bundle, day));
  return edited_layers(bundle, layers);
}

std::vector<std::string> missing_files(const Bundle& bundle) {
  std::vector<std::string> missing;
  for (const char* name : policy::securitycontext::kFiles) {
    if (!bundle.context_files.contains(name)) {
      missing.emplace_back(name);
    }
  }
  return missing;
}

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
  out.policy.abstractions = options.abstractions;

  // From here on rules are final; what follows only writes them differently.
  TRY_ASSIGN(Layers layers,
             render(out.policy, manifest.target, manifest.stage,
                    waived_capabilities(synthesis.waivers), options.layer));
  out.seccomp = std::move(layers.seccomp);
  if (auto finding = lost_privileges(evidence, manifest.target)) {
    out.seccomp.findings.push_back(std::move(*finding));
    std::ranges::sort(out.seccomp.findings);
  }
  out.capabilities = std::move(layers.capabilities);
  out.apparmor = std::move(layers.apparmor);
  out.contents = std::move(layers.contents);
  if (options.choose) {
    // The others change nothing: the profile is the same without them.
    std::erase_if(out.policy.abstractions, [&](const auto& one) {
      return !out.apparmor.included.contains(one.name);
    });
  }
  if (options.comments) {
    const policy::Examples seen(evidence);
    TRY_ASSIGN(
        out.apparmor,
        policy::apparmor::render(
            out.policy, manifest.target, manifest.stage, out.capabilities.add,
            {.comments = true, .examples = [&](const policy::FileRule& rule) {
               return seen.of(rule);
             }}));
    out.contents["apparmor.profile"] = out.apparmor.text;
  }
  out.context = security_context(out.policy, manifest, out.capabilities.add,
                                 out.apparmor);
  out.contents.merge(policy::securitycontext::files_of(out.context));
  out.contents.emplace("policy.json", policy::print(out.policy));
  return out;
}

Manifest manifest_for(const evidence::Evidence& evidence,
                      const runtime::Target& target, policy::Stage stage) {
  return {.workload = evidence.workload, .target = target, .stage = stage};
}

}  // namespace vambrace::repository
