#include <algorithm>

#include "policy/json_parts.h"
#include "policy/mounts.h"

// Mounts and traces of a policy document.
namespace vambrace::policy {

using json::Reader;
using json::Value;

Value to_json(const MountRule& rule) {
  Value out = {{"operation", rule.operation},
               {"fstype", json::quote_bytes(rule.fstype)},
               {"options", Value::array()},
               {"source", json::quote_bytes(rule.source)},
               {"target", json::quote_bytes(rule.target)},
               {"reasons", reasons_json(rule.reasons)}};
  for (const std::string& option : rule.options) {
    out["options"].push_back(json::quote_bytes(option));
  }
  put_program(out, rule.program);
  return out;
}

Value to_json(const TraceRule& rule) {
  Value out = {{"access", rule.access},
               {"other", std::string(evidence::to_string(rule.other))},
               {"reasons", reasons_json(rule.reasons)}};
  put_program(out, rule.program);
  if (!rule.peer.empty()) {
    out["peer"] = json::quote_bytes(rule.peer);
  }
  return out;
}

Result<MountRule> read_mount_rule(const Value& value,
                                  const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  MountRule rule;
  TRY_ASSIGN(rule.program, read_quoted(reader, "program"));
  TRY_ASSIGN(rule.operation, reader.text("operation"));
  TRY_ASSIGN(rule.fstype, read_quoted(reader, "fstype"));
  TRY_ASSIGN(const std::set<std::string> options,
             read_names(reader, "options"));
  rule.options.assign(options.begin(), options.end());
  TRY_ASSIGN(rule.source, read_quoted(reader, "source"));
  TRY_ASSIGN(rule.target, read_quoted(reader, "target"));
  TRY_ASSIGN(rule.reasons, read_reasons(reader));
  TRY(reader.finish());
  if (!is_exact(rule)) {
    TRY(bad(place, "no mount that options and places say in full"));
  }
  return rule;
}

Result<TraceRule> read_trace_rule(const Value& value,
                                  const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  TraceRule rule;
  TRY_ASSIGN(rule.program, read_quoted(reader, "program"));
  TRY_ASSIGN(rule.access, reader.text("access"));
  TRY_ASSIGN(const std::string other, reader.text("other"));
  TRY_ASSIGN(rule.peer, read_quoted(reader, "peer"));
  TRY_ASSIGN(rule.reasons, read_reasons(reader));
  TRY(reader.finish());
  const auto side = evidence::side_from(other);
  if (!side || (rule.access != "read" && rule.access != "trace") ||
      (*side != evidence::Side::Program && !rule.peer.empty())) {
    TRY(bad(place, "an unknown access or side, or a peer of no program"));
  }
  rule.other = *side;
  return rule;
}

}  // namespace vambrace::policy
