#include <algorithm>

#include "base/json.h"
#include "base/printable.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "enforcer/apparmor/kernel.h"

namespace vambrace::cli {
namespace {

using enforcer::apparmor::Use;

// The processes that a profile or one of its children confines.
std::vector<int> confined_by(const std::vector<Use>& uses,
                             const std::string& name) {
  std::vector<int> pids;
  for (const Use& use : uses) {
    if (use.profile.name == name || use.profile.name.starts_with(name + "//")) {
      pids.insert(pids.end(), use.pids.begin(), use.pids.end());
    }
  }
  return pids;
}

// Everything that stands in the way, before the first profile goes.
Result<> may_go(const std::vector<Use>& uses,
                const std::vector<std::string>& names, bool force) {
  for (const std::string& name : names) {
    const bool loaded = std::ranges::any_of(uses, [&](const Use& use) {
      return use.listed && use.profile.name == name;
    });
    if (!loaded) {
      return std::unexpected(
          Error(ErrorCode::NotFound,
                fmt::format("no profile {} is loaded", printable(name)))
              .with_hint("vambrace apparmor status lists them"));
    }
    const std::vector<int> pids = confined_by(uses, name);
    if (!pids.empty() && !force) {
      return std::unexpected(
          Error(ErrorCode::Denied,
                fmt::format("profile {} confines processes: {}",
                            printable(name), fmt::join(pids, " ")))
              .with_hint("they would go on unconfined: end them first, or say "
                         "--force"));
    }
  }
  return {};
}

}  // namespace

Result<Exit> apparmor_unload(Environment& environment, Words words) {
  std::vector<std::string> names;
  bool dry_run = false;
  bool force = false;
  bool as_json = false;
  Options options;
  options.words("NAME", names, "names of loaded profiles", 1);
  options.flag("--dry-run", dry_run, "say what would be removed");
  options.flag("--force", force,
               "also if processes then go on without confinement");
  options.json(as_json);
  TRY(options.parse(environment, words));

  TRY_ASSIGN(const std::vector<Use> uses,
             enforcer::apparmor::uses(environment.files));
  TRY(may_go(uses, names, force));
  const std::string_view done = dry_run ? "would remove" : "removed";
  json::Value removed = json::Value::array();
  std::string text;
  for (const std::string& name : names) {
    if (!dry_run) {
      TRY(during(printable(name), enforcer::apparmor::remove(name)));
    }
    removed.push_back(json::quote_bytes(name));
    text += fmt::format("{}: {}\n", done, printable(name));
  }
  environment.output.out(
      as_json ? json::print({{"schema", "vambrace.apparmor-unload/v1"},
                             {"done", done},
                             {"profiles", removed}})
              : text);
  return Exit::Clean;
}

}  // namespace vambrace::cli
