#include "cli/local_layer.h"

#include "base/json.h"

namespace vambrace::cli {
namespace {

using runtime::RuntimeLayer;
using runtime::Target;

// A layer is a few kilobytes; whatever is larger is none.
constexpr std::uint64_t kLayerBytes = 1U << 20;

Result<LocalLayer> read_layer(const Environment& environment,
                              const std::string& path, const Target& target) {
  LocalLayer local;
  local.from = path;
  TRY_ASSIGN(std::string text, environment.files.read(path, kLayerBytes));
  TRY_ASSIGN(const auto variants, during(path, runtime::parse_layers(text)));
  TRY_ASSIGN(local.layer,
             during(path, runtime::choose_layer(variants, target)));
  local.copies.emplace(
      fmt::format("layers/{}.json", runtime::to_string(target.runtime)),
      std::move(text));
  return local;
}

std::string versions(const RuntimeLayer& layer, const Target& target) {
  return fmt::format("measured {} {}, and the target says {}",
                     runtime::to_string(target.runtime),
                     runtime::to_string(layer.version),
                     runtime::to_string(target.runtime_version));
}

policy::Finding finding(std::string severity, const std::string& path,
                        std::string message, std::string hint) {
  return {"layer-version", std::move(severity), json::quote_bytes(path),
          std::move(message), std::move(hint)};
}

// Somebody put it there for this bundle: obeyed, and its version told.
Result<LocalLayer> chosen(const Environment& environment,
                          const std::string& path, const Target& target) {
  TRY_ASSIGN(LocalLayer local, read_layer(environment, path, target));
  if (local.layer->version != target.runtime_version) {
    local.findings.push_back(finding(
        "medium", path, "this calibration " + versions(*local.layer, target),
        "calibrate the version that will run, or set target.runtime_version in "
        "bundle.yaml"));
  }
  return local;
}

// It lies on this machine, whatever the bundle is for: taken only if it fits.
Result<LocalLayer> own(const Environment& environment, const std::string& path,
                       const Target& target) {
  auto found = read_layer(environment, path, target);
  if (found && found->layer->version == target.runtime_version) {
    return found;
  }
  LocalLayer shipped;
  if (found) {
    shipped.findings.push_back(
        finding("low", path,
                "your own calibration " + versions(*found->layer, target) +
                    ": the layer that ships is used",
                fmt::format("if that version will run, set "
                            "target.runtime_version to \"{}\" in bundle.yaml",
                            runtime::to_string(found->layer->version))));
  } else if (found.error().code() == ErrorCode::NotFound) {
    shipped.findings.push_back(
        finding("low", path,
                "your own calibration lacks this setting of no_new_privs: the "
                "layer that ships is used",
                fmt::format("vambrace calibrate --runtime {}",
                            runtime::to_string(target.runtime))));
  } else {
    return std::unexpected(
        std::move(found.error())
            .with_hint("calibrate again, or remove that file"));
  }
  return shipped;
}

}  // namespace

std::string own_layer_file(const Environment& environment,
                           std::string_view runtime) {
  const auto variable = [&](const char* name) {
    const auto found = environment.variables.find(name);
    return found == environment.variables.end() ? std::string() : found->second;
  };
  std::string config = variable("XDG_CONFIG_HOME");
  if (config.empty() && !variable("HOME").empty()) {
    config = variable("HOME") + "/.config";
  }
  return config.empty()
             ? ""
             : fmt::format("{}/vambrace/layers/{}.json", config, runtime);
}

Result<LocalLayer> local_layer(const Environment& environment,
                               const std::string& directory,
                               const std::optional<std::string>& asked,
                               const Target& target) {
  const std::string_view runtime = runtime::to_string(target.runtime);
  if (asked) {
    return chosen(environment, *asked, target);
  }
  const std::string kept = fmt::format("{}/layers/{}.json", directory, runtime);
  if (environment.files.exists(kept)) {
    return chosen(environment, kept, target);
  }
  const std::string mine = own_layer_file(environment, runtime);
  if (!mine.empty() && target.runtime != runtime::Runtime::Process &&
      environment.files.exists(mine)) {
    return own(environment, mine, target);
  }
  return LocalLayer{};
}

}  // namespace vambrace::cli
