#include "enforcer/dress.h"

#include <algorithm>
#include <filesystem>

#include "kernel/capabilities.h"
#include "policy/capabilities/reduce.h"
#include "policy/seccomp/render.h"

namespace vambrace::enforcer {
namespace {

Result<runtime::Target> chosen_target(const repository::Bundle& bundle,
                                      const Choice& choice) {
  const runtime::Target& own = bundle.manifest.target;
  if (choice.target.empty() || choice.target == own.name) {
    return own;
  }
  std::optional<runtime::Target> target = runtime::target_named(choice.target);
  if (!target) {
    return std::unexpected(
        Error(ErrorCode::NotFound,
              fmt::format("no target \"{}\"", choice.target))
            .with_hint(fmt::format("targets: {}",
                                   fmt::join(runtime::target_names(), ", "))));
  }
  target->no_new_privs = own.no_new_privs;
  return *target;
}

// Capabilities among the subjects of waivers.
std::set<std::uint32_t> waived(const std::vector<policy::Waiver>& waivers) {
  std::set<std::uint32_t> numbers;
  constexpr std::string_view kPrefix = "capability ";
  for (const policy::Waiver& waiver : waivers) {
    if (!waiver.what.starts_with(kPrefix)) {
      continue;
    }
    if (const auto number =
            kernel::capability_number(waiver.what.substr(kPrefix.size()))) {
      numbers.insert(*number);
    }
  }
  return numbers;
}

Result<> render(const repository::Bundle& bundle, const std::string& day,
                Dress& dress) {
  std::optional<runtime::RuntimeLayer> layer;
  if (const auto kept = bundle.layers.find(dress.target.runtime);
      kept != bundle.layers.end()) {
    TRY_ASSIGN(layer,
               during(bundle.directory + "/layers",
                      runtime::choose_layer(kept->second, dress.target)));
  }
  TRY_ASSIGN(policy::seccomp::Rendered rendered,
             policy::seccomp::render(bundle.policy, dress.target, dress.stage,
                                     {.layer = layer ? &*layer : nullptr}));
  dress.profile = std::move(rendered.profile);
  dress.armour.seccomp_json = policy::seccomp::print(dress.profile);
  const policy::capabilities::Grant grant =
      policy::capabilities::render(bundle.policy, dress.target, dress.stage,
                                   waived(waivers_on(bundle.manifest, day)));
  dress.armour.capabilities.assign(grant.add.begin(), grant.add.end());
  dress.rendered = true;
  return {};
}

Result<> take_files(const repository::Bundle& bundle, const std::string& day,
                    Dress& dress) {
  TRY_ASSIGN(dress.profile,
             during(bundle.directory + "/seccomp.json",
                    policy::seccomp::parse(bundle.seccomp_json)));
  dress.armour.seccomp_json = bundle.seccomp_json;
  dress.armour.seccomp_path =
      std::filesystem::absolute(bundle.directory + "/seccomp.json")
          .lexically_normal()
          .string();
  dress.armour.capabilities = bundle.capabilities;
  const std::set<std::uint32_t> valid =
      waived(waivers_on(bundle.manifest, day));
  for (const std::uint32_t number : waived(bundle.manifest.waivers)) {
    if (!valid.contains(number) &&
        std::ranges::find(bundle.capabilities, number) !=
            bundle.capabilities.end()) {
      dress.lapsed.insert(number);
    }
  }
  return {};
}

}  // namespace

Result<Dress> dress(const repository::Bundle& bundle, const Choice& choice) {
  Dress dress;
  TRY_ASSIGN(dress.target, chosen_target(bundle, choice));
  dress.stage = choice.stage.value_or(bundle.manifest.stage);
  const bool own = dress.target.name == bundle.manifest.target.name &&
                   dress.stage == bundle.manifest.stage;
  TRY(own ? take_files(bundle, choice.day, dress)
          : render(bundle, choice.day, dress));

  std::erase_if(dress.armour.capabilities, [&](std::uint32_t number) {
    return choice.without.contains(number);
  });
  dress.armour.no_new_privs = dress.target.no_new_privs;
  // Docker's conditional entries ask for the bounding set.
  dress.target.capabilities.clear();
  for (const std::uint32_t number : dress.armour.capabilities) {
    dress.target.capabilities.emplace_back(
        kernel::capability_name(number).value_or(""));
  }
  std::ranges::sort(dress.target.capabilities);
  return dress;
}

}  // namespace vambrace::enforcer
