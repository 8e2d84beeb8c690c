#include "base/json.h"
#include "base/printable.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "enforcer/apparmor/kernel.h"

namespace vambrace::cli {
namespace {

using enforcer::apparmor::Use;

std::string as_json(const std::vector<Use>& uses) {
  json::Value profiles = json::Value::array();
  for (const Use& use : uses) {
    profiles.push_back({{"name", json::quote_bytes(use.profile.name)},
                        {"mode", use.profile.mode},
                        {"listed", use.listed},
                        {"processes", use.pids}});
  }
  return json::print(
      {{"schema", "vambrace.apparmor-status/v1"}, {"profiles", profiles}});
}

std::string as_text(const std::vector<Use>& uses) {
  if (uses.empty()) {
    return "no profile is loaded\n";
  }
  Columns table({{"profile"}, {"mode"}, {"processes"}});
  for (const Use& use : uses) {
    table.row({printable(use.profile.name),
               use.profile.mode + (use.listed ? "" : " (not listed)"),
               use.pids.empty() ? "none"
                                : fmt::format("{}", fmt::join(use.pids, " "))});
  }
  return table.print();
}

}  // namespace

Result<Exit> apparmor_status(Environment& environment, Words words) {
  bool json = false;
  Options options;
  options.json(json);
  TRY(options.parse(environment, words));
  TRY_ASSIGN(const std::vector<Use> uses,
             enforcer::apparmor::uses(environment.files));
  environment.output.out(json ? as_json(uses) : as_text(uses));
  return Exit::Clean;
}

}  // namespace vambrace::cli
