#include "policy/json_parts.h"

#include "policy/json.h"

namespace vambrace::policy {
namespace {

using json::Reader;
using json::Value;

Result<Reason> read_reason(const Value& value, const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  Reason reason;
  TRY_ASSIGN(const std::string cause, reader.text("cause"));
  const auto known = cause_from(cause);
  if (!known) {
    TRY(bad(reader.place_of("cause"), "unknown cause"));
  }
  reason.cause = *known;
  TRY_ASSIGN(reason.exe, read_quoted(reader, "exe"));
  TRY_ASSIGN(reason.script, read_quoted(reader, "script"));
  TRY_ASSIGN(reason.note, read_quoted(reader, "note"));
  if (reader.has("origin")) {
    TRY_ASSIGN(const std::string origin, reader.text("origin"));
    reason.origin = evidence::origin_from(origin);
    if (!reason.origin) {
      TRY(bad(reader.place_of("origin"), "unknown origin"));
    }
  }
  if (reader.has("phases")) {
    TRY_ASSIGN(reason.phases, read_names(reader, "phases"));
  }
  TRY(reader.finish());
  return reason;
}

}  // namespace

Value quoted(const std::set<std::string>& names) {
  Value list = Value::array();
  for (const std::string& name : names) {
    list.push_back(json::quote_bytes(name));
  }
  return list;
}

Value reasons_json(const std::vector<Reason>& reasons) {
  Value list = Value::array();
  for (const Reason& reason : reasons) {
    list.push_back(to_json(reason));
  }
  return list;
}

Result<> bad(const std::string& place, std::string_view what) {
  return fail(ErrorCode::InvalidInput, "{}: {}", place, what);
}

Result<std::set<std::string>> read_names(Reader& reader, const char* key) {
  TRY_ASSIGN(const std::vector<std::string> texts, reader.texts(key));
  std::set<std::string> names;
  for (const std::string& text : texts) {
    TRY_ASSIGN(std::string name, json::unquote_bytes(text));
    // By their bytes, which quoting may order otherwise.
    if (!names.empty() && name <= *names.rbegin()) {
      TRY(bad(reader.place_of(key), "not sorted or not unique"));
    }
    names.insert(std::move(name));
  }
  return names;
}

Result<std::string> read_quoted(Reader& reader, const char* key) {
  TRY_ASSIGN(const std::string text, reader.text_or(key, ""));
  return during(reader.place_of(key), json::unquote_bytes(text));
}

Result<std::vector<Reason>> read_reasons(Reader& reader) {
  TRY_ASSIGN(std::vector<Reason> reasons,
             read_list<Reason>(reader, "reasons", read_reason));
  if (reasons.empty()) {
    TRY(bad(reader.place_of("reasons"), "a rule without a reason"));
  }
  return reasons;
}

void put_program(Value& out, const std::string& program) {
  if (!program.empty()) {
    out["program"] = json::quote_bytes(program);
  }
}

}  // namespace vambrace::policy
