#pragma once

#include <vector>

#include "evidence/evidence.h"
#include "runtime/layer.h"

// What recorded starts of a container say about its runtime's own layer.
namespace vambrace::recorder {

// The calls between the filter and the program, sorted by name.
struct ObservedLayer {
  std::vector<runtime::LayerCall> start;
  std::vector<runtime::LayerCall> exec;
};

// Of the processes whose origin is `runtime` and that had loaded the filter. A
// call whose values are few and say what it does (prctl, ioctl, clone) keeps
// them; empty lists if no filter was loaded in this recording.
ObservedLayer observed_layer(const evidence::Evidence& evidence);

// Adds the calls, and their values, to those seen before.
void unite(std::vector<runtime::LayerCall>& into,
           const std::vector<runtime::LayerCall>& more);

// The calls, or those of their values, that `allowed` does not have; a call
// that is there without values is there with any.
std::vector<runtime::LayerCall> beyond(
    const std::vector<runtime::LayerCall>& calls,
    const std::vector<runtime::LayerCall>& allowed);

}  // namespace vambrace::recorder
