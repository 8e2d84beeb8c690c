#include "runtime/layer.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/json.h"

namespace vambrace {
const std::map<std::string_view, std::string_view>& embedded_layers();
}  // namespace vambrace

namespace vambrace::runtime {
namespace {

using json::Reader;
using json::Value;

Result<std::vector<std::uint64_t>> read_values(Reader& reader) {
  TRY_ASSIGN(const std::vector<std::string> texts, reader.texts("values"));
  std::vector<std::uint64_t> values;
  for (const std::string& text : texts) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const bool prefixed = text.starts_with("0x") && text.size() > 2;
    const auto [stop, error] = std::from_chars(text.data() + (prefixed ? 2 : 0),
                                               end, value, prefixed ? 16 : 10);
    if (!prefixed || stop != end || error != std::errc()) {
      return fail(ErrorCode::InvalidInput, "{}: not a number such as 0x1f",
                  reader.place_of("values"));
    }
    values.push_back(value);
  }
  return values;
}

Result<std::vector<LayerCall>> read_calls(Reader& reader, const char* key) {
  TRY_ASSIGN(const Value* array, reader.array(key));
  std::vector<LayerCall> calls;
  for (const Value& item : *array) {
    const std::string place =
        fmt::format("{}[{}]", reader.place_of(key), calls.size());
    TRY_ASSIGN(Reader call, Reader::of(item, place));
    LayerCall out;
    TRY_ASSIGN(out.name, call.text("name"));
    TRY_ASSIGN(const std::uint64_t index, call.number_or("index", 0));
    if (index > 5) {
      return fail(ErrorCode::InvalidInput, "{}: an index above 5", place);
    }
    out.index = static_cast<std::uint8_t>(index);
    if (call.has("values")) {
      TRY_ASSIGN(out.values, read_values(call));
    }
    TRY(call.finish());
    calls.push_back(std::move(out));
  }
  return calls;
}

Result<RuntimeLayer> read_variant(const Value& value, const RuntimeLayer& head,
                                  const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  RuntimeLayer layer = head;
  TRY_ASSIGN(layer.no_new_privs, reader.boolean("no_new_privs"));
  TRY_ASSIGN(layer.runs, reader.number("runs"));
  TRY_ASSIGN(layer.exec_runs, reader.number("exec_runs"));
  TRY_ASSIGN(layer.start, read_calls(reader, "start"));
  TRY_ASSIGN(layer.exec, read_calls(reader, "exec"));
  TRY(reader.finish());
  return layer;
}

Result<RuntimeLayer> read_head(Reader& reader) {
  RuntimeLayer head;
  TRY_ASSIGN(const std::string schema, reader.text("schema"));
  TRY_ASSIGN(const std::string name, reader.text("runtime"));
  TRY_ASSIGN(const std::string version, reader.text("version"));
  const auto runtime = runtime_from(name);
  if (schema != kLayerSchema || !runtime) {
    return fail(ErrorCode::InvalidInput, "not {} of a known runtime",
                kLayerSchema);
  }
  head.runtime = *runtime;
  TRY_ASSIGN(head.version, parse_version(version));
  TRY_ASSIGN(head.method, reader.text("method"));
  TRY_ASSIGN(const Value* closure, reader.object("closure"));
  TRY_ASSIGN(Reader more, Reader::of(*closure, "closure"));
  TRY_ASSIGN(head.closure_why, more.text("why"));
  TRY_ASSIGN(head.closure, read_calls(more, "calls"));
  TRY(more.finish());
  return head;
}

Value calls_json(const std::vector<LayerCall>& calls) {
  Value list = Value::array();
  for (const LayerCall& call : calls) {
    Value item = {{"name", call.name}};
    if (!call.values.empty()) {
      item["index"] = call.index;
      item["values"] = Value::array();
      for (const std::uint64_t value : call.values) {
        item["values"].push_back(fmt::format("{:#x}", value));
      }
    }
    list.push_back(std::move(item));
  }
  return list;
}

std::vector<RuntimeLayer> shipped() {
  std::vector<RuntimeLayer> all;
  for (const auto& [name, text] : embedded_layers()) {
    auto variants = parse_layers(text);
    CHECK(variants.has_value());
    all.insert(all.end(), variants->begin(), variants->end());
  }
  return all;
}

}  // namespace

Result<std::vector<RuntimeLayer>> parse_layers(std::string_view text) {
  TRY_ASSIGN(const Value document,
             json::parse(text, {.bytes = 1U << 20, .depth = 10}));
  TRY_ASSIGN(Reader reader, Reader::of(document, ""));
  TRY_ASSIGN(const RuntimeLayer head, read_head(reader));
  TRY_ASSIGN(const Value* array, reader.array("variants"));
  std::vector<RuntimeLayer> variants;
  for (const Value& item : *array) {
    TRY_ASSIGN(
        RuntimeLayer layer,
        read_variant(item, head, fmt::format("variants[{}]", variants.size())));
    variants.push_back(std::move(layer));
  }
  TRY(reader.finish());
  if (variants.empty()) {
    return fail(ErrorCode::InvalidInput, "variants: none");
  }
  return variants;
}

const RuntimeLayer& runtime_layer(const Target& target) {
  static const std::vector<RuntimeLayer> kShipped = shipped();
  const RuntimeLayer* best = nullptr;
  for (const RuntimeLayer& layer : kShipped) {
    if (layer.runtime != target.runtime ||
        layer.no_new_privs != target.no_new_privs) {
      continue;
    }
    const bool older = layer.version <= target.runtime_version;
    const bool best_older =
        best != nullptr && best->version <= target.runtime_version;
    if (best == nullptr || (older && !best_older) ||
        (older == best_older && (older ? layer.version > best->version
                                       : layer.version < best->version))) {
      best = &layer;
    }
  }
  CHECK(best != nullptr);
  return *best;
}

Result<RuntimeLayer> choose_layer(const std::vector<RuntimeLayer>& variants,
                                  const Target& target) {
  for (const RuntimeLayer& layer : variants) {
    if (layer.runtime == target.runtime &&
        layer.no_new_privs == target.no_new_privs) {
      return layer;
    }
  }
  return std::unexpected(
      Error(ErrorCode::NotFound,
            fmt::format("no calibration of {} with{} no_new_privs",
                        to_string(target.runtime),
                        target.no_new_privs ? "" : "out"))
          .with_hint("calibrate this runtime, or leave the file out"));
}

std::string print_layers(const std::vector<RuntimeLayer>& variants) {
  CHECK(!variants.empty());
  const RuntimeLayer& head = variants.front();
  Value out = {
      {"schema", std::string(kLayerSchema)},
      {"runtime", std::string(to_string(head.runtime))},
      {"version", to_string(head.version)},
      {"method", head.method},
      {"closure",
       {{"why", head.closure_why}, {"calls", calls_json(head.closure)}}},
      {"variants", Value::array()}};
  for (const RuntimeLayer& layer : variants) {
    out["variants"].push_back({{"no_new_privs", layer.no_new_privs},
                               {"runs", layer.runs},
                               {"exec_runs", layer.exec_runs},
                               {"start", calls_json(layer.start)},
                               {"exec", calls_json(layer.exec)}});
  }
  return json::print(out);
}

}  // namespace vambrace::runtime
