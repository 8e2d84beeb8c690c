#include <algorithm>

#include "base/json.h"
#include "base/printable.h"
#include "cli/commands.h"
#include "cli/enforcement.h"
#include "cli/options.h"
#include "enforcer/apparmor/compile.h"
#include "enforcer/apparmor/compiled.h"
#include "enforcer/apparmor/kernel.h"
#include "evidence/time.h"
#include "policy/apparmor/text_hash.h"
#include "repository/compose.h"

namespace vambrace::cli {
namespace {

namespace apparmor = enforcer::apparmor;
using apparmor::Presence;
using Presences = std::map<std::string, Presence>;

constexpr std::string_view kProfileName = "apparmor.profile";

struct Compiled {
  std::string path;
  std::string policy;
  std::vector<std::string> names;
};

// Denied for a bundle's profile that is not what its policy renders to: under
// its name it would pass for the rules that were reviewed.
Result<> check_bundle_profile(const Files& files, const std::string& directory,
                              const std::string& day) {
  TRY_ASSIGN(const repository::Bundle bundle,
             repository::load_bundle(files, directory));
  TRY_ASSIGN(const std::vector<std::string> edited,
             repository::edited_layers(bundle, day));
  if (std::ranges::find(edited, kProfileName) == edited.end()) {
    return {};
  }
  const std::string name(kProfileName);
  return std::unexpected(
      Error(ErrorCode::Denied,
            edited_files(directory, std::span(&name, 1)).front())
          .with_hint(edited_hint(bundle)));
}

// The same of a file alone, which the names in it tell.
Result<> check_names(const std::string& place, const std::string& profile,
                     const std::vector<std::string>& names) {
  if (!policy::apparmor::belies_its_name(profile, names)) {
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::Denied,
            fmt::format("{} is not what its name holds the hash of: it was "
                        "edited, or another version of vambrace wrote it",
                        place))
          .with_hint("decisions in bundle.yaml change what vambrace synth "
                     "writes; a profile made by hand needs a name of its own"));
}

Result<std::string> read_checked(const Files& files, const std::string& given,
                                 const std::string& path,
                                 const std::string& day) {
  constexpr std::uint64_t kProfileBytes = 16U << 20;
  auto text = path == given ? files.read(path, kProfileBytes)
                            : read_regular(files, path, kProfileBytes);
  if (!text && text.error().code() == ErrorCode::NotFound) {
    return std::unexpected(
        Error(text.error())
            .with_hint("name a profile, or a bundle with apparmor.profile"));
  }
  TRY_ASSIGN(std::string profile, std::move(text));
  if (path != given && files.exists(given + "/bundle.yaml") &&
      files.exists(given + "/policy.json")) {
    TRY(check_bundle_profile(files, given, day));
  }
  return profile;
}

Result<Compiled> compile_file(const Files& files, const std::string& given,
                              const std::string& day) {
  const std::string path = files.is_directory(given)
                               ? fmt::format("{}/{}", given, kProfileName)
                               : given;
  TRY_ASSIGN(const std::string profile, read_checked(files, given, path, day));
  Compiled compiled{.path = path, .policy = {}, .names = {}};
  const std::string place = printable(path);
  TRY_ASSIGN(compiled.policy, during(place, apparmor::compile(files, profile)));
  TRY_ASSIGN(compiled.names,
             during(place, apparmor::compiled_names(compiled.policy)));
  TRY(check_names(place, profile, compiled.names));
  return compiled;
}

bool all_are(const Presences& there, Presence wanted) {
  return std::ranges::all_of(
      there, [&](const auto& one) { return one.second == wanted; });
}

std::string_view about(Presence presence) {
  switch (presence) {
    case Presence::Absent:
      return "is not loaded";
    case Presence::Same:
      return "is loaded already";
    case Presence::Other:
      return "is loaded already, from another content";
    case Presence::Unknown:
      return "is loaded already, and the kernel does not show its content";
  }
  return "";
}

// Some of the names are taken, and not all by this very policy.
Error taken(const Presences& there) {
  // The worst of them is the one to name.
  const auto one = std::ranges::max_element(
      there, {}, [](const auto& name) { return name.second; });
  return Error(ErrorCode::Denied,
               fmt::format("profile {} {}; nothing was loaded",
                           printable(one->first), about(one->second)))
      .with_hint(
          "give the new content a name of its own, or say --replace to change "
          "it under the processes that run");
}

// Puts the policy into the kernel if it must; the word for what was done.
Result<std::string_view> put(const Compiled& compiled, const Presences& there,
                             bool replace) {
  if (all_are(there, Presence::Same)) {
    return "already there";
  }
  if (all_are(there, Presence::Absent)) {
    TRY(apparmor::add(compiled.policy));
    return "loaded";
  }
  if (!replace) {
    return std::unexpected(taken(there));
  }
  TRY(apparmor::replace(compiled.policy));
  return "replaced";
}

std::string answer(const Compiled& compiled, std::string_view done,
                   const std::vector<apparmor::Profile>& loaded, bool as_json) {
  json::Value profiles = json::Value::array();
  std::string text;
  for (const std::string& name : compiled.names) {
    const auto found =
        std::ranges::find(loaded, name, &apparmor::Profile::name);
    const std::string mode = found == loaded.end() ? "" : found->mode;
    profiles.push_back({{"name", json::quote_bytes(name)}, {"mode", mode}});
    text += fmt::format("{}: {}{}\n", done, printable(name),
                        mode.empty() ? "" : fmt::format(" ({})", mode));
  }
  return as_json ? json::print({{"schema", "vambrace.apparmor-load/v1"},
                                {"done", done},
                                {"bytes", compiled.policy.size()},
                                {"profiles", profiles}})
                 : text;
}

}  // namespace

Result<Exit> apparmor_load(Environment& environment, Words words) {
  std::string path;
  bool dry_run = false;
  bool replace = false;
  bool as_json = false;
  Options options;
  options.word("DIR|PROFILE", path, "a bundle, or a file of profiles");
  options.flag("--dry-run", dry_run,
               "compile it and say what would be loaded, without the kernel");
  options.flag("--replace", replace,
               "put it in the place of loaded profiles of its names");
  options.json(as_json);
  TRY(options.parse(environment, words));

  TRY_ASSIGN(
      const Compiled compiled,
      compile_file(environment.files, path,
                   evidence::format_time(environment.now()).substr(0, 10)));
  if (dry_run) {
    environment.output.out(answer(compiled, "would load", {}, as_json));
    return Exit::Clean;
  }
  TRY_ASSIGN(
      const Presences there,
      apparmor::presence(environment.files, compiled.names, compiled.policy));
  TRY_ASSIGN(const std::string_view done,
             during(printable(compiled.path), put(compiled, there, replace)));
  TRY_ASSIGN(const std::vector<apparmor::Profile> loaded,
             apparmor::loaded_profiles(environment.files));
  environment.output.out(answer(compiled, done, loaded, as_json));
  return Exit::Clean;
}

}  // namespace vambrace::cli
