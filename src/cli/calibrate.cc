#include "recorder/calibrate/calibrate.h"

#include "base/json.h"
#include "cli/commands.h"
#include "cli/local_layer.h"
#include "cli/options.h"
#include "recorder/calibrate/observed.h"

namespace vambrace::cli {
namespace {

using runtime::LayerCall;
using runtime::RuntimeLayer;

std::vector<bool> variants_of(const std::string& no_new_privs) {
  if (no_new_privs == "both") {
    return {true, false};
  }
  return {no_new_privs == "on"};
}

const RuntimeLayer& shipped_for(const RuntimeLayer& layer) {
  runtime::Target target;
  target.runtime = layer.runtime;
  target.runtime_version = layer.version;
  target.no_new_privs = layer.no_new_privs;
  return runtime::runtime_layer(target);
}

// How a measured list differs from the one that ships.
struct Difference {
  std::vector<LayerCall> added;   // neither there nor in its closure
  std::vector<LayerCall> unseen;  // there, but not measured here
};

Difference difference(const std::vector<LayerCall>& measured,
                      const std::vector<LayerCall>& shipped,
                      const std::vector<LayerCall>& closure) {
  std::vector<LayerCall> allowed = shipped;
  recorder::unite(allowed, closure);
  return {recorder::beyond(measured, allowed),
          recorder::beyond(shipped, measured)};
}

std::string text_of(const std::vector<LayerCall>& calls) {
  std::vector<std::string> words;
  for (const LayerCall& call : calls) {
    words.push_back(call.values.empty()
                        ? call.name
                        : fmt::format("{}({:#x})", call.name,
                                      fmt::join(call.values, ", ")));
  }
  return fmt::format("{}", fmt::join(words, " "));
}

json::Value value_of(const std::vector<LayerCall>& calls) {
  json::Value list = json::Value::array();
  for (const LayerCall& call : calls) {
    list.push_back(text_of({call}));
  }
  return list;
}

struct Part {
  const char* name;
  const std::vector<LayerCall>& measured;
  Difference shipped;
};

std::vector<Part> parts_of(const RuntimeLayer& layer) {
  const RuntimeLayer& shipped = shipped_for(layer);
  return {{"start", layer.start,
           difference(layer.start, shipped.start, shipped.closure)},
          {"exec", layer.exec,
           difference(layer.exec, shipped.exec, shipped.closure)}};
}

std::string answer_text(const std::vector<RuntimeLayer>& layers,
                        const std::string& file) {
  std::string text;
  for (const RuntimeLayer& layer : layers) {
    text += fmt::format(
        "{} {}, no_new_privs {}: {} starts, {} execs\n",
        runtime::to_string(layer.runtime), runtime::to_string(layer.version),
        layer.no_new_privs ? "on" : "off", layer.runs, layer.exec_runs);
    for (const Part& part : parts_of(layer)) {
      text += fmt::format("  {:5} {} calls: {}\n", part.name,
                          part.measured.size(), text_of(part.measured));
      if (!part.shipped.added.empty()) {
        text += "        not in the layer that ships: " +
                text_of(part.shipped.added) + "\n";
      }
      if (!part.shipped.unseen.empty()) {
        text +=
            "        shipped, not seen here: " + text_of(part.shipped.unseen) +
            "\n";
      }
    }
  }
  return text + "written to " + file + "\n";
}

std::string answer_json(const std::vector<RuntimeLayer>& layers,
                        const std::string& file) {
  json::Value variants = json::Value::array();
  for (const RuntimeLayer& layer : layers) {
    json::Value entry = {
        {"no_new_privs", layer.no_new_privs},
        {"runs", layer.runs},
        {"exec_runs", layer.exec_runs},
        {"shipped_version", runtime::to_string(shipped_for(layer).version)}};
    for (const Part& part : parts_of(layer)) {
      entry[part.name] = {{"calls", value_of(part.measured)},
                          {"added", value_of(part.shipped.added)},
                          {"unseen", value_of(part.shipped.unseen)}};
    }
    variants.push_back(std::move(entry));
  }
  return json::print({{"schema", "vambrace.calibration/v1"},
                      {"runtime", runtime::to_string(layers[0].runtime)},
                      {"version", runtime::to_string(layers[0].version)},
                      {"file", file},
                      {"variants", variants}});
}

}  // namespace

Result<Exit> calibrate(Environment& environment, Words words) {
  std::string name;
  std::string no_new_privs = "both";
  std::uint64_t runs = 20;
  std::string output;
  bool json = false;
  Options options;
  options.choice("--runtime", {"runc", "crun"}, name, "the runtime to measure");
  options.choice("--no-new-privs", {"on", "off", "both"}, no_new_privs,
                 "measure with it, without it, or (default) both");
  options.number("--runs", "N", runs, "starts of each kind (20)");
  options.value("-o,--output", "FILE", output,
                "write the calibration here instead of to the user's own");
  options.json(json);
  TRY(options.parse(environment, words));
  if (name.empty()) {
    return std::unexpected(Error(ErrorCode::InvalidInput, "which runtime?")
                               .with_hint("vambrace calibrate --runtime runc"));
  }
  if (runs == 0 || runs > 10'000) {
    return fail(ErrorCode::InvalidInput, "--runs: from 1 to 10000");
  }
  const std::string file =
      output.empty() ? own_layer_file(environment, name) : output;
  if (file.empty()) {
    return std::unexpected(Error(ErrorCode::InvalidInput,
                                 "neither HOME nor XDG_CONFIG_HOME is set")
                               .with_hint("say where to write with -o FILE"));
  }

  TRY_ASSIGN(const auto installed,
             recorder::find_runtime(*runtime::runtime_from(name)));
  Output& out = environment.output;
  if (installed.needs_plain_cgroups) {
    out.err(
        "this machine mixes cgroup v1 and v2, which crun refuses: it is "
        "started in a mount namespace of its own that shows v2 alone\n");
  }
  std::vector<RuntimeLayer> layers;
  for (const bool variant : variants_of(no_new_privs)) {
    const auto progress = [&](std::uint64_t run) {
      if (out.err_is_terminal()) {
        out.err(fmt::format("\r\033[K{}, no_new_privs {}: start {} of {}", name,
                            variant ? "on" : "off", run, runs));
      }
    };
    auto layer = recorder::calibrate(installed, variant, runs, progress);
    if (out.err_is_terminal()) {
      out.err("\r\033[K");
    }
    TRY(layer);
    layers.push_back(std::move(*layer));
  }
  TRY(environment.files.write(file, runtime::print_layers(layers)));
  out.out(json ? answer_json(layers, file) : answer_text(layers, file));
  return Exit::Clean;
}

}  // namespace vambrace::cli
