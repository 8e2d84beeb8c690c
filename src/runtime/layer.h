#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime/target.h"

// The calls that a runtime makes itself between loading a container's filter
// and starting its program. They belong to no workload, so they are kept apart
// from policies and added when a target is rendered.
namespace vambrace::runtime {

struct LayerCall {
  std::string name;
  // The values seen of one argument; none: any arguments.
  std::uint8_t index = 0;
  std::vector<std::uint64_t> values;
  auto operator<=>(const LayerCall&) const = default;
};

struct RuntimeLayer {
  Runtime runtime = Runtime::Runc;
  Version version;  // of the runtime that was measured
  bool no_new_privs = true;
  std::uint64_t runs = 0;        // starts measured
  std::uint64_t exec_runs = 0;   // execs measured
  std::string method;            // how it was measured, for people
  std::vector<LayerCall> start;  // starting the container
  std::vector<LayerCall> exec;   // starting a program in a running one
  // What the measured runs may have missed, and why that is so.
  std::vector<LayerCall> closure;
  std::string closure_why;
  auto operator<=>(const RuntimeLayer&) const = default;
};

// The layer that ships for this runtime and no_new_privs. Versions between
// measured ones get the nearest older one.
const RuntimeLayer& runtime_layer(const Target& target);

// Schema vambrace.layer/v1: the variants of one runtime's calibration.
// docs/formats/layer.md.
constexpr std::string_view kLayerSchema = "vambrace.layer/v1";
Result<std::vector<RuntimeLayer>> parse_layers(std::string_view json);
std::string print_layers(const std::vector<RuntimeLayer>& variants);

// The variant of a local calibration that fits the target. NotFound if it is of
// another runtime or lacks the target's no_new_privs.
Result<RuntimeLayer> choose_layer(const std::vector<RuntimeLayer>& variants,
                                  const Target& target);

}  // namespace vambrace::runtime
