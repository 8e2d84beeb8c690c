#pragma once

#include <vector>

#include "policy/policy.h"
#include "review/judge.h"
#include "review/review.h"

namespace vambrace::review {

// Everything that is worth saying about a review whose other parts are made,
// beside what synthesis remarked about the policy itself: that, too, with its
// severity lowered where a decision or a waiver that holds answers it. Worst
// first, then by place and id.
//
//   layer-edited        high: a file is not what the policy renders to
//   layer-missing       high: a file that synth writes is not there
//   synth-interrupted   medium: the bundle may be of two runs of synth
//   waiver-expired      high: blocks
//   waiver-expiring     low, medium within a week
//   high-risk           of the table of risks, without a waiver
//   unknown-risk        the table of risks does not speak of it: medium
//   overreach           more than low risk, and rarely or narrowly needed
//   decision-pending    the bundle is not what bundle.yaml says
//   decision-idle       speaks of nothing
//   decision-partial    one of two layers still permits what is dropped
//   decision-ineffective  high: what is dropped can be done all the same, or
//                       what is added cannot; medium: for the runtime's sake
//   reachable           calls that were not seen, most likely first
//   rare, one-recording, one-phase, startup-only, helper-only, unobserved
//                       other grants that are used so, in one finding each
//   noise               capabilities that were asked for and not needed
//   evidence-none, evidence-stale, evidence-kernel, build-changed
//   analysis-other      low: an answer of a program that was not recorded
//   analysis-none, analysis-stale, analysis-gap, analysis-unsound
//   not-enforced        a stage before harden
// `others`: programs of which there is an answer and no recording.
std::vector<policy::Finding> remarks_of(
    const Inputs& inputs, const Review& review,
    const std::set<std::string>& others = {});

// "layer-edited" and "layer-missing", of severity high, for each of these files
// of a bundle: what is enforced is not what was judged. "synth-interrupted" for
// those that a synth did not put in place: that, too, may be why.
std::vector<policy::Finding> file_findings(
    const std::vector<std::string>& edited,
    const std::vector<std::string>& missing,
    const std::vector<std::string>& unfinished);

// 0 "info" to 3 "high".
int severity_rank(std::string_view severity);

}  // namespace vambrace::review
