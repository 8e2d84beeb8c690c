#include "repository/bundle.h"

#include <algorithm>

#include "evidence/json.h"
#include "evidence/merge.h"
#include "policy/capabilities/reduce.h"
#include "policy/json.h"
#include "policy/securitycontext/render.h"

namespace vambrace::repository {
namespace {

constexpr std::uint64_t kSmallFile = 16U << 20;

Error explain_missing(Error error, const std::string& directory) {
  if (error.code() != ErrorCode::NotFound) {
    return error;
  }
  return std::move(error).with_hint(fmt::format(
      "make the bundle with: vambrace synth EVIDENCE... -o {}", directory));
}

Result<std::string> read_part(const Files& files, const std::string& directory,
                              std::string_view name) {
  auto text =
      read_regular(files, directory + "/" + std::string(name), kSmallFile);
  if (!text) {
    return std::unexpected(explain_missing(std::move(text.error()), directory));
  }
  return text;
}

std::string layer_file(const std::string& directory, runtime::Runtime kind) {
  return fmt::format("{}/layers/{}.json", directory, runtime::to_string(kind));
}

// None if the folder has no such file.
Result<std::vector<runtime::RuntimeLayer>> local_layers(
    const Files& files, const std::string& directory, runtime::Runtime kind) {
  const std::string path = layer_file(directory, kind);
  if (!files.exists(path)) {
    return std::vector<runtime::RuntimeLayer>{};
  }
  TRY_ASSIGN(const std::string text, read_regular(files, path, kSmallFile));
  return during(path, runtime::parse_layers(text));
}

// The folders of a bundle that write_bundle() writes into.
constexpr const char* kFolders[] = {"", "evidence/", "layers/"};

// Behind a link or not: the bundle's own folder is the one that is meant.
std::string folder_in(const std::string& directory, std::string_view below) {
  return below.empty() ? directory + "/"
                       : fmt::format("{}/{}", directory,
                                     below.substr(0, below.size() - 1));
}

// Its rank in the order in which the files of a bundle are made of each other.
int rests_on(std::string_view name) {
  return name.starts_with("evidence/") ? 0
         : name.starts_with("layers/") ? 1
         : name == "CHANGELOG.md"      ? 2
         : name == "bundle.yaml"       ? 3
         : name == "policy.json"       ? 4
                                       : 5;
}

}  // namespace

Result<Manifest> load_manifest(const Files& files,
                               const std::string& directory) {
  const std::string path = directory + "/bundle.yaml";
  TRY_ASSIGN(const std::string text,
             read_part(files, directory, "bundle.yaml"));
  return during(path, parse_manifest(text));
}

Result<Bundle> load_bundle(const Files& files, const std::string& directory) {
  Bundle bundle{.directory = directory};
  TRY_ASSIGN(bundle.manifest, load_manifest(files, directory));
  TRY_ASSIGN(const std::string policy,
             read_part(files, directory, "policy.json"));
  TRY_ASSIGN(bundle.policy,
             during(directory + "/policy.json", policy::parse(policy)));
  for (const std::string& name : rendered_files()) {
    TRY_ASSIGN(bundle.rendered[name], read_part(files, directory, name));
  }
  TRY_ASSIGN(const policy::capabilities::Grant grant,
             during(directory + "/capabilities.json",
                    policy::capabilities::parse(
                        bundle.rendered["capabilities.json"])));
  bundle.capabilities.assign(grant.add.begin(), grant.add.end());
  for (const char* name : policy::securitycontext::kFiles) {
    if (files.exists(directory + "/" + name)) {
      TRY_ASSIGN(bundle.context_files[name], read_part(files, directory, name));
    }
  }
  for (const auto kind : {runtime::Runtime::Runc, runtime::Runtime::Crun}) {
    TRY_ASSIGN(auto variants, local_layers(files, directory, kind));
    if (!variants.empty()) {
      bundle.layers.emplace(kind, std::move(variants));
    }
  }
  bundle.unfinished = unfinished_files(files, directory);
  return bundle;
}

Result<evidence::Evidence> load_bundle_evidence(const Files& files,
                                                const std::string& directory) {
  const std::string folder = directory + "/evidence";
  std::vector<std::string> paths;
  if (files.is_directory(folder)) {
    TRY_ASSIGN(const std::vector<std::string> names, files.list(folder));
    for (const std::string& name : names) {
      if (name.ends_with(".json") && !name.starts_with('.')) {
        paths.push_back(folder + "/" + name);
      }
    }
  }
  if (paths.empty()) {
    return std::unexpected(
        Error(ErrorCode::NotFound, fmt::format("{}: no evidence", folder))
            .with_hint("name evidence files after the bundle"));
  }
  return evidence::merge_all(
      paths, [&](const std::string& path) -> Result<evidence::Evidence> {
        TRY_ASSIGN(const std::string text, read_regular(files, path));
        return during(path, evidence::parse(text));
      });
}

Result<std::optional<runtime::RuntimeLayer>> load_local_layer(
    const Files& files, const std::string& directory,
    const runtime::Target& target) {
  TRY_ASSIGN(const auto variants,
             local_layers(files, directory, target.runtime));
  if (variants.empty()) {
    return std::nullopt;
  }
  TRY_ASSIGN(runtime::RuntimeLayer layer,
             during(layer_file(directory, target.runtime),
                    runtime::choose_layer(variants, target)));
  return layer;
}

std::vector<std::string> changed_files(
    const Files& files, const std::string& directory,
    const std::map<std::string, std::string>& contents) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : contents) {
    const std::string path = directory + "/" + name;
    const auto old =
        files.exists(path)
            ? read_regular(files, path)
            : Result<std::string>(fail(ErrorCode::NotFound, "{}", path));
    if (!old || *old != bytes) {
      names.push_back(name);
    }
  }
  return names;
}

std::vector<std::string> unfinished_files(const Files& files,
                                          const std::string& directory) {
  std::vector<std::string> unfinished;
  for (const char* below : kFolders) {
    const std::string folder = folder_in(directory, below);
    if (!files.is_directory(folder)) {
      continue;
    }
    for (const std::string& name :
         files.list(folder).value_or(std::vector<std::string>{})) {
      if (staged_name(name)) {
        unfinished.push_back(below + name);
      }
    }
  }
  std::ranges::sort(unfinished);
  return unfinished;
}

void remove_unfinished(Files& files, const std::string& directory) {
  for (const char* below : kFolders) {
    files.remove_staged(folder_in(directory, below));
  }
}

Result<std::vector<std::string>> write_bundle(
    Files& files, const std::string& directory,
    std::map<std::string, std::string> contents) {
  std::vector<std::string> names = changed_files(files, directory, contents);
  std::vector<std::string> ordered = names;
  std::ranges::stable_sort(ordered, {}, rests_on);
  std::vector<NewFile> changed;
  for (const std::string& name : ordered) {
    changed.push_back({directory + "/" + name, std::move(contents.at(name))});
  }
  TRY(files.write_all(changed));
  return names;
}

}  // namespace vambrace::repository
