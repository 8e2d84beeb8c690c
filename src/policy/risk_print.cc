#include "base/json.h"
#include "kernel/capabilities.h"
#include "policy/risk_json.h"

namespace vambrace::policy {
namespace {

using json::Value;

Value risk_value(const char* key, const std::string& name, const Risk& risk) {
  Value out = {{key, name},
               {"class", std::string(to_string(risk.level))},
               {"exposes", risk.exposes},
               {"sources", risk.sources}};
  if (risk.never_legitimate) {
    out["never_legitimate"] = true;
  }
  return out;
}

template <class Map>
Value map_value(const char* key, const Map& map) {
  Value out = Value::array();
  for (const auto& [name, risk] : map) {
    out.push_back(risk_value(key, name, risk));
  }
  return out;
}

Value capabilities_value(const RiskTable& table) {
  Value out = Value::array();
  for (const auto& [number, risk] : table.capabilities) {
    out.push_back(risk_value(
        "name", std::string(*kernel::capability_name(number)), risk));
  }
  return out;
}

Value arguments_value(const RiskTable& table) {
  Value out = Value::array();
  for (const ArgumentRisk& one : table.arguments) {
    Value value = risk_value("name", one.name, one.risk);
    value["call"] = one.call;
    value["index"] = one.match.index;
    value["mask"] = fmt::format("{:#x}", one.match.mask);
    value["value"] = fmt::format("{:#x}", one.match.value);
    out.push_back(std::move(value));
  }
  return out;
}

Value step_value(const AdvisoryStep& step) {
  if (step.capability) {
    return {{"capability",
             std::string(*kernel::capability_name(*step.capability))}};
  }
  Value out = {{"call", step.call}};
  if (!step.argument.empty()) {
    out["argument"] = step.argument;
  }
  return out;
}

Value advisories_value(const RiskTable& table) {
  Value out = Value::array();
  for (const Advisory& one : table.advisories) {
    Value needs = Value::array();
    for (const std::vector<AdvisoryStep>& need : one.needs) {
      Value steps = Value::array();
      for (const AdvisoryStep& step : need) {
        steps.push_back(step_value(step));
      }
      needs.push_back(std::move(steps));
    }
    out.push_back({{"id", one.id},
                   {"subsystem", one.subsystem},
                   {"what", one.what},
                   {"needs", std::move(needs)},
                   {"sources", one.sources}});
  }
  return out;
}

Value equivalents_value(const std::vector<Equivalent>& equivalents) {
  Value out = Value::array();
  for (const Equivalent& one : equivalents) {
    out.push_back({{"call", one.call}, {"by", one.by}, {"why", one.why}});
  }
  return out;
}

}  // namespace

std::string print_risks(const RiskTable& table) {
  return json::print({{"schema", std::string(kRisksSchema)},
                      {"version", table.version},
                      {"syscalls", map_value("name", table.syscalls)},
                      {"capabilities", capabilities_value(table)},
                      {"arguments", arguments_value(table)},
                      {"accesses", map_value("name", table.accesses)},
                      {"paths", map_value("path", table.paths)},
                      {"equivalents", equivalents_value(table.equivalents)},
                      {"covered", equivalents_value(table.covered)},
                      {"advisories", advisories_value(table)}});
}

}  // namespace vambrace::policy
