#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "elf/reach.h"
#include "evidence/evidence.h"
#include "policy/decision.h"
#include "policy/policy.h"
#include "policy/risk.h"
#include "policy/stage.h"
#include "review/review.h"
#include "runtime/layer.h"
#include "runtime/target.h"

namespace vambrace::review {

inline const std::vector<std::string> kNoFiles;
inline const std::vector<policy::Finding> kNoFindings;

// What a review looks at. Borrows: all of it must outlive the call.
struct Inputs {
  const policy::Policy& policy;
  // Without a recording nothing is counted, and a gap says so.
  const evidence::Evidence& evidence;
  const runtime::Target& target;
  policy::Stage stage = policy::Stage::Harden;
  const std::set<std::uint32_t>& capabilities;  // as rendered
  // What the target's runtime calls itself.
  const runtime::RuntimeLayer& layer;
  const std::vector<policy::Decision>& decisions;
  const std::vector<policy::Waiver>& waivers;
  // One for each program that was analyzed. What others can reach is unknown.
  std::span<const elf::Reach> reaches;
  // Build ids of programs as they lie on the disk now, by path; those that are
  // not in it are not judged.
  const std::map<std::string, std::string>& installed;
  std::string day;  // 2026-12-31
  // Files of the bundle that are not what its policy renders to.
  const std::vector<std::string>& edited = kNoFiles;
  // Files that synth writes and the bundle lacks.
  const std::vector<std::string>& missing = kNoFiles;
  // Files that a synth left which was killed, or which is at it right now.
  const std::vector<std::string>& unfinished = kNoFiles;
  // What rendering remarks about the layers of stage harden.
  const std::vector<policy::Finding>& rendering = kNoFindings;
  const policy::RiskTable& risks = policy::builtin_risks();
};

// The whole review. Deterministic: equal inputs give an equal review. It judges
// what stage harden keeps, whatever stage the bundle is at.
//
// InvalidInput for a day that is none, or a decision or waiver that names no
// rule.
Result<Review> judge(const Inputs& inputs);

}  // namespace vambrace::review
