#include "cli/bundle_abstractions.h"

#include <algorithm>

#include "base/json.h"
#include "base/printable.h"
#include "cli/columns.h"
#include "enforcer/apparmor/installed.h"
#include "policy/apparmor/abstraction.h"
#include "policy/json.h"

namespace vambrace::cli {
namespace {

constexpr std::uint64_t kPolicyBytes = 16U << 20;

Result<BundleAbstractions> of_folder(const Environment& environment,
                                     const std::string& folder) {
  namespace apparmor = policy::apparmor;
  TRY_ASSIGN(const apparmor::Sources sources,
             enforcer::apparmor::installed(environment.files, folder));
  TRY_ASSIGN(const apparmor::Variables tunables,
             during(printable(folder), apparmor::read_tunables(sources)));
  BundleAbstractions out{.folder = folder};
  for (const std::string& name : apparmor::abstraction_names(sources)) {
    auto one = apparmor::read_abstraction(sources, tunables, name);
    if (one) {
      out.all.push_back(std::move(*one));
    } else {
      ++out.unread;
    }
  }
  return out;
}

Result<std::vector<policy::Abstraction>> kept(const Environment& environment,
                                              const std::string& directory) {
  const std::string path = directory + "/policy.json";
  if (!environment.files.exists(path)) {
    return std::vector<policy::Abstraction>{};
  }
  TRY_ASSIGN(const std::string text,
             read_regular(environment.files, path, kPolicyBytes));
  TRY_ASSIGN(policy::Policy policy, during(path, policy::parse(text)));
  return std::move(policy.abstractions);
}

}  // namespace

Result<BundleAbstractions> bundle_abstractions(
    const Environment& environment, const std::string& directory,
    const std::optional<std::string>& asked,
    const repository::Manifest& manifest) {
  if (asked) {
    return of_folder(environment, *asked);
  }
  BundleAbstractions out;
  if (manifest.abstractions.empty()) {
    return out;
  }
  TRY_ASSIGN(const auto all, kept(environment, directory));
  for (const std::string& name : manifest.abstractions) {
    const auto found = std::ranges::find(all, name, &policy::Abstraction::name);
    if (found == all.end()) {
      return std::unexpected(
          Error(ErrorCode::InvalidInput,
                fmt::format("{}/bundle.yaml names the abstraction {}, and "
                            "policy.json does not say what it holds",
                            directory, json::quote_bytes(name)))
              .with_hint("take it out and say where hosts have it: "
                         "--abstractions /etc/apparmor.d"));
    }
    out.all.push_back(*found);
  }
  std::ranges::sort(out.all);
  const auto same = std::ranges::unique(out.all);
  out.all.erase(same.begin(), same.end());
  return out;
}

std::vector<policy::Finding> about(const BundleAbstractions& abstractions,
                                   const policy::apparmor::Rendered& rendered) {
  std::vector<policy::Finding> out;
  if (abstractions.folder && rendered.included.empty()) {
    out.push_back(
        {"apparmor-no-include", "info",
         "apparmor: " + printable(*abstractions.folder),
         fmt::format("none of {} fits; {} more hold other rules than those of "
                     "files or what is not understood, or cannot be read",
                     counted(abstractions.all.size(), "abstraction"),
                     abstractions.unread),
         ""});
  }
  if (!abstractions.folder) {
    for (const auto& [name, why] : rendered.passed_over) {
      out.push_back({"apparmor-not-included", "info",
                     fmt::format("apparmor: abstractions/{}", printable(name)),
                     "named in bundle.yaml and not included: " + why,
                     "take it from abstractions in bundle.yaml"});
    }
  }
  return out;
}

}  // namespace vambrace::cli
