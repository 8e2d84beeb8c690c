#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "policy/policy.h"
#include "repository/bundle.h"
#include "repository/compose.h"

namespace vambrace::cli {

// What synth says at its end.
struct SynthOutcome {
  const std::string& output;  // the bundle folder
  const repository::Manifest& manifest;
  const repository::Composition& made;
  std::vector<policy::Finding> findings;
  std::vector<std::string> written;
  std::string layer;  // the local calibration that was used, if one was
};

std::string synth_text(const SynthOutcome& outcome);
json::Value synth_json(const SynthOutcome& outcome);

}  // namespace vambrace::cli
