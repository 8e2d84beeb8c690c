#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "evidence/evidence.h"
#include "policy/capabilities/reduce.h"
#include "policy/seccomp/render.h"
#include "repository/bundle.h"

namespace vambrace::repository {

struct ComposeOptions {
  bool heal = false;
  std::string day;  // 2026-12-31: which waivers still hold
  // A local calibration; nullptr: what ships. Must outlive the call.
  const runtime::RuntimeLayer* layer = nullptr;
};

// Everything that `vambrace synth` derives from evidence and bundle.yaml.
struct Composition {
  policy::Policy policy;
  policy::seccomp::Rendered seccomp;
  policy::capabilities::Grant capabilities;
  // policy.json, seccomp.json and capabilities.json, ready to be written.
  std::map<std::string, std::string> contents;
};

// Pure: the same evidence, manifest and options give the same bytes.
Result<Composition> compose(const evidence::Evidence& evidence,
                            const Manifest& manifest,
                            const ComposeOptions& options);

// A manifest for evidence that has none yet.
Manifest manifest_for(const evidence::Evidence& evidence,
                      const runtime::Target& target, policy::Stage stage);

}  // namespace vambrace::repository
