#include "review/judge.h"

#include <algorithm>

#include "base/json.h"
#include "evidence/gaps.h"
#include "evidence/merge.h"
#include "evidence/time.h"
#include "policy/arguments.h"
#include "policy/reasons.h"
#include "review/coverage.h"
#include "review/days.h"
#include "review/decisions.h"
#include "review/grants.h"
#include "review/rank.h"
#include "review/remarks.h"
#include "review/risks.h"
#include "review/traits.h"
#include "review/use.h"

namespace vambrace::review {
namespace {

// A decision or a waiver with what it speaks of.
template <class Word>
struct Spoken {
  policy::Subject subject;
  Word word;
};

template <class Word, class What>
Result<std::vector<Spoken<Word>>> spoken(const std::vector<Word>& words,
                                         What what_of) {
  std::vector<Spoken<Word>> all;
  for (const Word& word : words) {
    TRY_ASSIGN(policy::Subject subject, policy::parse_subject(what_of(word)));
    all.push_back({std::move(subject), word});
  }
  return all;
}

// The last one that speaks of a grant counts, as in synthesis.
template <class Word>
std::optional<Word> about(const Grant& grant,
                          const std::vector<Spoken<Word>>& all) {
  std::optional<Word> last;
  for (const Spoken<Word>& one : all) {
    if (speaks_of(one.subject, grant)) {
      last = one.word;
    }
  }
  return last;
}

// Of several waivers the one that holds longest.
std::optional<WaiverState> waiver_about(
    const Grant& grant, const std::vector<Spoken<WaiverState>>& all) {
  std::optional<WaiverState> best;
  for (const Spoken<WaiverState>& one : all) {
    if (speaks_of(one.subject, grant) &&
        (!best || one.word.days_left > best->days_left)) {
      best = one.word;
    }
  }
  return best;
}

// The letters of a grant that a subject about it names.
void take_named(const policy::Subject& what, const Grant& grant,
                std::string& letters) {
  const auto* file = std::get_if<policy::FileSubject>(&what);
  if (file != nullptr && speaks_of(what, grant)) {
    letters += file->access;
  }
}

// What no keep and no waiver that holds speaks of is as risky as without them:
// the rest by itself, and all of it where the rest makes it worse.
void judge_letters(Grant& grant,
                   const std::vector<Spoken<policy::Decision>>& decisions,
                   const std::vector<Spoken<WaiverState>>& waivers,
                   const Risks& risks) {
  const auto subject = policy::parse_subject(grant.subject);
  const auto* own =
      subject ? std::get_if<policy::FileSubject>(&*subject) : nullptr;
  std::string named;
  for (const auto& decision : decisions) {
    if (decision.word.choice == "keep") {
      take_named(decision.subject, grant, named);
    }
  }
  for (const auto& waiver : waivers) {
    if (waiver.word.state != "expired") {
      take_named(waiver.subject, grant, named);
    }
  }
  if (own == nullptr || named.empty()) {
    return;
  }
  policy::FileRule part;
  part.pattern = own->pattern;
  for (const char letter : own->access) {
    (named.find(letter) == std::string::npos ? grant.unnamed : part.access) +=
        letter;
  }
  const RiskClass covered = risks.of(part).level;
  part.access = grant.unnamed;
  grant.unnamed_risk =
      covered < grant.risk.level ? grant.risk.level : risks.of(part).level;
}

std::vector<Gap> gaps_of(const Inputs& inputs) {
  std::set<Gap> gaps;
  const auto add_evidence = [&](const std::vector<evidence::Gap>& found,
                                const std::string& place) {
    for (const evidence::Gap& gap : found) {
      gaps.insert({.side = "evidence",
                   .kind = gap.kind,
                   .place = place,
                   .detail = gap.detail,
                   .advice = std::string(evidence::advice(gap.kind))});
    }
  };
  std::set<evidence::Gap> of_recordings;
  for (const evidence::Recording& recording : inputs.evidence.recordings) {
    add_evidence(recording.verdict.gaps, recording.id);
    of_recordings.insert(recording.verdict.gaps.begin(),
                         recording.verdict.gaps.end());
  }
  // What is a gap of all of them together: mixed images, no recording.
  std::vector<evidence::Gap> together = evidence::verdict(inputs.evidence).gaps;
  std::erase_if(together, [&](const evidence::Gap& gap) {
    return of_recordings.contains(gap);
  });
  add_evidence(together, "");
  for (const elf::Reach& reach : inputs.reaches) {
    for (const elf::Gap& gap : reach.gaps) {
      gaps.insert({.side = "analysis",
                   .kind = gap.kind,
                   .place = fmt::format("{} {}", gap.object,
                                        gap.function.empty()
                                            ? fmt::format("{:#x}", gap.address)
                                            : gap.function),
                   .detail = gap.detail});
    }
  }
  for (const evidence::Process& process : inputs.evidence.processes) {
    const bool analyzed =
        std::ranges::find(inputs.reaches, process.key.exe,
                          &elf::Reach::program) != inputs.reaches.end();
    if (policy::counts(process.key.origin) && !analyzed) {
      gaps.insert({.side = "analysis",
                   .kind = "no-analysis",
                   .place = process.key.exe,
                   .detail = "what it could do beside what was seen is unknown",
                   .advice = "vambrace analyze PROGRAM --json > FILE, then "
                             "review with --reach FILE"});
    }
  }
  return {gaps.begin(), gaps.end()};
}

std::vector<std::string> sorted(const std::set<std::string>& names) {
  return {names.begin(), names.end()};
}

Summary summary_of(const Inputs& inputs, const Review& review,
                   const Risks& risks) {
  Summary summary{.stage = inputs.stage,
                  .target = inputs.target.name,
                  .risk_table = risks.version(),
                  .evidence_state = inputs.policy.evidence_state,
                  .recordings = inputs.evidence.recordings.size()};
  std::set<std::string> kernels;
  std::set<std::string> programs;
  std::set<std::string> analyzed;
  std::optional<evidence::Instant> first;
  std::optional<evidence::Instant> last;
  for (const evidence::Recording& recording : inputs.evidence.recordings) {
    kernels.insert(recording.kernel);
    first = std::min(first.value_or(recording.start), recording.start);
    last = std::max(last.value_or(recording.end), recording.end);
  }
  for (const evidence::Process& process : inputs.evidence.processes) {
    if (policy::counts(process.key.origin)) {
      programs.insert(process.key.exe);
    }
  }
  for (const elf::Reach& reach : inputs.reaches) {
    analyzed.insert(reach.program);
  }
  summary.first = first ? evidence::format_time(*first) : "";
  summary.last = last ? evidence::format_time(*last) : "";
  summary.kernels = sorted(kernels);
  summary.programs = sorted(programs);
  summary.analyzed = sorted(analyzed);
  for (const Grant& grant : review.grants) {
    ++summary.grants[grant.layer];
    ++summary.risks[grant.risk.level];
  }
  for (const policy::Finding& finding : review.findings) {
    ++summary.findings[finding.severity];
  }
  return summary;
}

// What a workload may call, the runtime's own calls among it: the filter does
// not tell them apart.
policy::Grants all_of(const Inputs& inputs) {
  policy::Grants grants = policy::grants_of(inputs.policy);
  grants.capabilities = inputs.capabilities;
  const runtime::RuntimeLayer& layer = inputs.layer;
  for (const auto* calls : {&layer.start, &layer.exec, &layer.closure}) {
    for (const runtime::LayerCall& call : *calls) {
      // As grants_of() in grants.h gives them.
      grants.calls.try_emplace(call.name, tuples_of(call, inputs.target.arch));
    }
  }
  return grants;
}

std::vector<Candidate> ranked(const Inputs& inputs, const Uses& uses,
                              const std::vector<Grant>& grants,
                              const Risks& risks) {
  std::set<kernel::Syscall> observed;
  for (const auto& [call, use] : uses.calls()) {
    observed.insert(call);
  }
  std::set<kernel::Syscall> answered;
  for (const policy::ExpectedDenial& denial : inputs.policy.expected) {
    if (policy::falls_back(denial.syscall, denial.error)) {
      answered.insert(denial.syscall);
    }
  }
  // What the next synthesis takes away leads nowhere.
  policy::Grants allowed = all_of(inputs);
  for (const Grant& grant : grants) {
    if (grant.layer == Layer::Seccomp && grant.decision &&
        grant.decision->choice == "drop") {
      allowed.calls.erase(grant.subject.substr(grant.subject.find(' ') + 1));
    }
  }
  return candidates_of(inputs.reaches, {.observed = observed,
                                        .answered = answered,
                                        .grants = grants,
                                        .allowed = allowed,
                                        .risks = risks});
}

std::vector<Advisory> by_exposure(std::vector<Advisory> advisories) {
  constexpr std::string_view kOrder[] = {"open", "narrowed", "unmapped",
                                         "closed"};
  std::ranges::stable_sort(advisories, {}, [&](const Advisory& advisory) {
    return std::distance(std::begin(kOrder),
                         std::ranges::find(kOrder, advisory.exposure));
  });
  return advisories;
}

}  // namespace

namespace {

// One answer for each program, of the recorded build if there is one. Where
// something was recorded, what was not is no program of the workload.
std::vector<elf::Reach> own_reaches(const Inputs& inputs,
                                    std::set<std::string>& others) {
  std::map<std::string, std::set<std::string>> builds;
  for (const evidence::Process& process : inputs.evidence.processes) {
    builds[process.key.exe].insert(process.key.build_id.value_or(""));
  }
  std::vector<elf::Reach> own;
  for (const elf::Reach& reach : inputs.reaches) {
    const auto recorded = builds.find(reach.program);
    if (recorded == builds.end() && !inputs.evidence.recordings.empty()) {
      others.insert(reach.program);
      continue;
    }
    const auto known =
        std::ranges::find(own, reach.program, &elf::Reach::program);
    if (known == own.end()) {
      own.push_back(reach);
    } else if (recorded != builds.end() &&
               recorded->second.contains(reach.build_id) &&
               !recorded->second.contains(known->build_id)) {
      *known = reach;
    }
  }
  return own;
}

// With the answers of the workload's own programs alone.
Result<Review> judge_own(const Inputs& inputs,
                         const std::set<std::string>& others);

}  // namespace

Result<Review> judge(const Inputs& inputs) {
  std::set<std::string> others;
  const std::vector<elf::Reach> own = own_reaches(inputs, others);
  Inputs narrowed = inputs;
  narrowed.reaches = own;
  return judge_own(narrowed, others);
}

namespace {

Result<Review> judge_own(const Inputs& inputs,
                         const std::set<std::string>& others) {
  const auto today = day_number(inputs.day);
  if (!today || inputs.day.size() != 10) {
    return fail(ErrorCode::InvalidInput, "\"{}\" is no day",
                json::quote_bytes(inputs.day));
  }
  const Risks risks(inputs.risks);
  const Uses uses(inputs.evidence);
  const Habits habits(inputs.evidence);
  Review review{.workload = inputs.policy.workload, .day = inputs.day};
  review.waivers = waiver_states(inputs.waivers, *today);
  TRY_ASSIGN(const auto decisions,
             during("decision",
                    spoken(inputs.decisions, [](const policy::Decision& one) {
                      return one.what;
                    })));
  TRY_ASSIGN(
      const auto waivers,
      during("waiver", spoken(review.waivers, [](const WaiverState& one) {
               return one.waiver.what;
             })));

  // What is granted, who needs it, and what people said about it.
  review.grants = grants_of(inputs, uses, risks);
  for (Grant& grant : review.grants) {
    grant.traits = habits.traits_of(grant);
    grant.decision = about(grant, decisions);
    grant.waiver = waiver_about(grant, waivers);
    judge_letters(grant, decisions, waivers, risks);
  }

  // What could be done beside it.
  review.candidates = ranked(inputs, uses, review.grants, risks);
  for (Candidate& candidate : review.candidates) {
    const Grant named{.subject = candidate.subject};
    candidate.decision = about(named, decisions);
  }
  std::vector<DecidedSubject> decided;
  for (const Spoken<policy::Decision>& one : decisions) {
    decided.push_back({one.subject, one.word});
  }
  review.decisions =
      decision_states(inputs, decided, review.grants, review.candidates);
  review.coverage = review::coverage_of(inputs.evidence, inputs.reaches);
  review.advisories = by_exposure(risks.advisories(all_of(inputs)));
  review.gaps = gaps_of(inputs);

  review.findings = remarks_of(inputs, review, others);
  review.summary = summary_of(inputs, review, risks);
  return review;
}

}  // namespace

}  // namespace vambrace::review
