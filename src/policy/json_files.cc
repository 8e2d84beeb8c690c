#include "policy/file_decisions.h"
#include "policy/json_parts.h"

namespace vambrace::policy {
namespace {

// As many as are read of an abstraction.
constexpr std::size_t kMaxAbstractionRules = 5000;

using json::Reader;
using json::Value;

Value to_json(const Widening& widening) {
  return {{"kind", widening.kind},
          {"pattern", json::quote_bytes(widening.pattern)},
          {"allows", widening.allows}};
}

Result<Widening> read_widening(const Value& value, const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  Widening widening;
  TRY_ASSIGN(widening.kind, reader.text("kind"));
  TRY_ASSIGN(widening.pattern, read_quoted(reader, "pattern"));
  TRY_ASSIGN(widening.allows, reader.text("allows"));
  TRY(reader.finish());
  return widening;
}

// In the order of the path, which is no order of theirs.
Result<std::vector<Widening>> read_widenings(Reader& reader) {
  std::vector<Widening> out;
  if (!reader.has("widened")) {
    return out;
  }
  TRY_ASSIGN(const Value* array, reader.array("widened"));
  for (const Value& value : *array) {
    TRY_ASSIGN(
        Widening one,
        read_widening(value, fmt::format("{}[{}]", reader.place_of("widened"),
                                         out.size())));
    out.push_back(std::move(one));
  }
  if (out.empty()) {
    return std::unexpected(
        bad(reader.place_of("widened"), "empty; leave it out").error());
  }
  return out;
}

Value to_json(const AbstractionRule& rule) {
  Value out = {{"pattern", json::quote_bytes(rule.pattern)},
               {"access", rule.access}};
  if (rule.owner) {
    out["owner"] = true;
  }
  return out;
}

Result<AbstractionRule> read_abstraction_rule(const Value& value,
                                              const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  AbstractionRule rule;
  TRY_ASSIGN(rule.pattern, read_quoted(reader, "pattern"));
  TRY_ASSIGN(rule.access, reader.text("access"));
  TRY_ASSIGN(rule.owner, reader.boolean_or("owner", false));
  TRY(reader.finish());
  const std::string_view access = rule.access;
  if (rule.pattern.empty() || access.empty() ||
      access.find_first_not_of("aklmrw") != access.npos ||
      std::ranges::adjacent_find(access, std::greater_equal()) !=
          access.end()) {
    TRY(bad(place,
            "no pattern, or an access that is not some of \"aklmrw\" in that "
            "order"));
  }
  return rule;
}

struct NamedValues {
  std::string name;
  std::vector<std::string> values;
  auto operator<=>(const NamedValues&) const = default;
};

Result<NamedValues> read_variable(const Value& value,
                                  const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  NamedValues out;
  TRY_ASSIGN(out.name, reader.text("name"));
  TRY_ASSIGN(const auto quoted, reader.texts("values"));
  for (const std::string& one : quoted) {
    TRY_ASSIGN(std::string plain, during(place, json::unquote_bytes(one)));
    out.values.push_back(std::move(plain));
  }
  TRY(reader.finish());
  return out;
}

bool is_access(std::string_view access) {
  return !access.empty() && access.find('i') == access.npos &&
         access.find_first_not_of(evidence::kAccessLetters) == access.npos &&
         std::ranges::adjacent_find(access, std::greater_equal()) ==
             access.end();
}

}  // namespace

Value to_json(const FileRule& rule) {
  Value out = {{"pattern", json::quote_bytes(rule.pattern)},
               {"access", rule.access},
               {"reasons", reasons_json(rule.reasons)}};
  put_program(out, rule.program);
  if (rule.owner) {
    out["owner"] = true;
  }
  if (rule.disconnected) {
    out["disconnected"] = true;
  }
  if (rule.starts) {
    out["starts"] = json::quote_bytes(*rule.starts);
  }
  for (const Widening& widening : rule.widened) {
    out["widened"].push_back(to_json(widening));
  }
  return out;
}

Value to_json(const FileDenial& denial) {
  return {{"pattern", json::quote_bytes(denial.pattern)},
          {"access", denial.access},
          {"reasons", reasons_json(denial.reasons)}};
}

Value to_json(const SocketRule& rule) {
  Value out = {{"family", rule.family},
               {"type", rule.type},
               {"reasons", reasons_json(rule.reasons)}};
  put_program(out, rule.program);
  return out;
}

Value to_json(const SignalRule& rule) {
  Value out = {{"signal", rule.signal},
               {"reasons", reasons_json(rule.reasons)}};
  put_program(out, rule.program);
  return out;
}

Value to_json(const Abstraction& abstraction) {
  Value out = {{"name", abstraction.name},
               {"variables", Value::array()},
               {"rules", Value::array()}};
  for (const auto& [name, values] : abstraction.variables) {
    Value list = Value::array();
    for (const std::string& value : values) {
      list.push_back(json::quote_bytes(value));
    }
    out["variables"].push_back({{"name", name}, {"values", list}});
  }
  for (const AbstractionRule& rule : abstraction.rules) {
    out["rules"].push_back(to_json(rule));
  }
  return out;
}

Result<Abstraction> read_abstraction(const Value& value,
                                     const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  Abstraction out;
  TRY_ASSIGN(out.name, reader.text("name"));
  TRY_ASSIGN(auto variables,
             read_list<NamedValues>(reader, "variables", read_variable));
  for (NamedValues& one : variables) {
    if (!out.variables.emplace(one.name, std::move(one.values)).second) {
      TRY(bad(reader.place_of("variables"), "a variable is there twice"));
    }
  }
  TRY_ASSIGN(out.rules, read_list<AbstractionRule>(reader, "rules",
                                                   read_abstraction_rule));
  TRY(reader.finish());
  constexpr std::string_view kMarks = "._+-";
  const bool plain = std::ranges::all_of(out.name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || kMarks.contains(c);
  });
  if (out.name.empty() || out.name[0] == '.' || !plain ||
      out.rules.size() > kMaxAbstractionRules) {
    TRY(bad(place, "no plain name, or too many rules"));
  }
  return out;
}

Result<FileRule> read_file_rule(const Value& value, const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  FileRule rule;
  TRY_ASSIGN(rule.program, read_quoted(reader, "program"));
  TRY_ASSIGN(rule.pattern, read_quoted(reader, "pattern"));
  TRY_ASSIGN(rule.access, reader.text("access"));
  TRY_ASSIGN(rule.owner, reader.boolean_or("owner", false));
  TRY_ASSIGN(rule.disconnected, reader.boolean_or("disconnected", false));
  if (reader.has("starts")) {
    TRY_ASSIGN(rule.starts, read_quoted(reader, "starts"));
  }
  TRY_ASSIGN(rule.widened, read_widenings(reader));
  TRY_ASSIGN(rule.reasons, read_reasons(reader));
  TRY(reader.finish());
  if (rule.pattern.empty() || !is_access(rule.access)) {
    TRY(bad(place,
            "no pattern, or an access that is not some of "
            "\"acdklmoprwx\" in that order"));
  }
  return rule;
}

Result<FileDenial> read_file_denial(const Value& value,
                                    const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  FileDenial denial;
  TRY_ASSIGN(denial.pattern, read_quoted(reader, "pattern"));
  TRY_ASSIGN(denial.access, reader.text("access"));
  TRY_ASSIGN(denial.reasons, read_reasons(reader));
  TRY(reader.finish());
  if (denial.pattern.empty() || !is_access(denial.access) ||
      denial.access != refused_with(denial.access)) {
    TRY(bad(place,
            "no pattern, or an access that is not some of \"acdklmoprwx\" in "
            "that order, with all of \"acdopw\" or none"));
  }
  return denial;
}

Result<SocketRule> read_socket_rule(const Value& value,
                                    const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  SocketRule rule;
  TRY_ASSIGN(rule.program, read_quoted(reader, "program"));
  TRY_ASSIGN(rule.family, reader.text("family"));
  TRY_ASSIGN(rule.type, reader.text("type"));
  TRY_ASSIGN(rule.reasons, read_reasons(reader));
  TRY(reader.finish());
  return rule;
}

Result<SignalRule> read_signal_rule(const Value& value,
                                    const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  SignalRule rule;
  TRY_ASSIGN(rule.program, read_quoted(reader, "program"));
  TRY_ASSIGN(rule.signal, reader.text("signal"));
  TRY_ASSIGN(rule.reasons, read_reasons(reader));
  TRY(reader.finish());
  return rule;
}

}  // namespace vambrace::policy
