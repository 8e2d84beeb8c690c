#include "enforcer/dress.h"

#include <algorithm>
#include <filesystem>

#include "kernel/capabilities.h"
#include "repository/compose.h"

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
  target->apparmor = own.apparmor;
  return *target;
}

Result<> render(const repository::Bundle& bundle, const std::string& day,
                Dress& dress) {
  TRY_ASSIGN(const auto layer, repository::kept_layer(bundle, dress.target));
  TRY_ASSIGN(repository::Layers layers,
             repository::render(bundle.policy, dress.target, dress.stage,
                                repository::waived_capabilities(
                                    waivers_on(bundle.manifest, day)),
                                layer ? &*layer : nullptr));
  dress.profile = std::move(layers.seccomp.profile);
  dress.apparmor = std::move(layers.apparmor);
  dress.armour.seccomp_json = std::move(layers.contents["seccomp.json"]);
  dress.armour.capabilities.assign(layers.capabilities.add.begin(),
                                   layers.capabilities.add.end());
  dress.rendered = true;
  return {};
}

Result<> take_files(const repository::Bundle& bundle, const std::string& day,
                    Dress& dress) {
  TRY_ASSIGN(
      dress.profile,
      during(bundle.directory + "/seccomp.json",
             policy::seccomp::parse(bundle.rendered.at("seccomp.json"))));
  dress.armour.seccomp_json = bundle.rendered.at("seccomp.json");
  dress.armour.seccomp_path =
      std::filesystem::absolute(bundle.directory + "/seccomp.json")
          .lexically_normal()
          .string();
  dress.armour.capabilities = bundle.capabilities;
  const std::set<std::uint32_t> valid =
      repository::waived_capabilities(waivers_on(bundle.manifest, day));
  for (const std::uint32_t number :
       repository::waived_capabilities(bundle.manifest.waivers)) {
    if (!valid.contains(number) &&
        std::ranges::find(bundle.capabilities, number) !=
            bundle.capabilities.end()) {
      dress.lapsed.insert(number);
    }
  }
  TRY_ASSIGN(repository::Layers layers, repository::own_layers(bundle, day));
  dress.edited = repository::edited_layers(bundle, layers);
  dress.apparmor = std::move(layers.apparmor);
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
  dress.armour.runtime = dress.target.runtime;
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
