#include "review/json.h"

#include "base/json.h"
#include "policy/json.h"

namespace vambrace::review {
namespace {

using json::quote_bytes;
using json::Value;

// Text that may hold names from outside.
template <class Names>
Value quoted_list(const Names& names) {
  Value list = Value::array();
  for (const std::string& name : names) {
    list.push_back(quote_bytes(name));
  }
  return list;
}

template <class Items, class Print>
Value list_of(const Items& items, Print print) {
  Value list = Value::array();
  for (const auto& item : items) {
    list.push_back(print(item));
  }
  return list;
}

Value counts_json(const std::map<std::string, std::uint64_t>& counts) {
  Value out = Value::object();
  for (const auto& [name, count] : counts) {
    out[quote_bytes(name)] = count;
  }
  return out;
}

template <class Key>
Value named_counts(const std::map<Key, std::uint64_t>& counts) {
  Value out = Value::object();
  for (const auto& [key, count] : counts) {
    out[std::string(to_string(key))] = count;
  }
  return out;
}

Value risk_json(const Risk& risk) {
  return {{"class", to_string(risk.level)},
          {"exposes", quote_bytes(risk.exposes)},
          {"sources", quoted_list(risk.sources)},
          {"advisories", quoted_list(risk.advisories)}};
}

Value need_json(const Need& need) {
  return {{"role", to_string(need.role)},
          {"name", quote_bytes(need.name)},
          {"script", quote_bytes(need.script)},
          {"count", need.count},
          {"phases", quoted_list(need.phases)}};
}

Value decision_json(const policy::Decision& decision) {
  return {{"what", quote_bytes(decision.what)},
          {"choice", quote_bytes(decision.choice)},
          {"who", quote_bytes(decision.who)},
          {"why", quote_bytes(decision.why)}};
}

Value decision_or_null(const std::optional<policy::Decision>& decision) {
  return decision ? decision_json(*decision) : Value();
}

Value waiver_json(const WaiverState& state) {
  return {{"what", quote_bytes(state.waiver.what)},
          {"who", quote_bytes(state.waiver.who)},
          {"why", quote_bytes(state.waiver.why)},
          {"until", quote_bytes(state.waiver.until)},
          {"state", state.state},
          {"days_left", state.days_left},
          {"within", state.within}};
}

Value grant_json(const Grant& grant) {
  return {
      {"layer", to_string(grant.layer)},
      {"subject", quote_bytes(grant.subject)},
      {"program", quote_bytes(grant.program)},
      {"limits", quote_bytes(grant.limits)},
      {"arches", list_of(grant.arches,
                         [](kernel::Arch arch) {
                           return std::string(kernel::to_string(arch));
                         })},
      {"risk", risk_json(grant.risk)},
      {"needs", list_of(grant.needs, need_json)},
      {"count", grant.count},
      {"recordings", grant.recordings},
      {"phases", counts_json(grant.phases)},
      {"traits", list_of(grant.traits,
                         [](Trait t) { return std::string(to_string(t)); })},
      {"reasons", list_of(grant.reasons,
                          [](const policy::Reason& reason) {
                            return policy::to_json(reason);
                          })},
      {"decision", decision_or_null(grant.decision)},
      {"waiver", grant.waiver ? waiver_json(*grant.waiver) : Value()},
      {"unnamed", grant.unnamed},
      {"unnamed_risk",
       grant.unnamed.empty() ? Value() : Value(to_string(grant.unnamed_risk))}};
}

Value step_json(const elf::Step& step) {
  return {{"object", quote_bytes(step.object)},
          {"function", quote_bytes(step.function)},
          {"address", fmt::format("{:#x}", step.address)},
          {"link", elf::to_string(step.link)}};
}

Value candidate_json(const Candidate& candidate) {
  return {{"rank", candidate.rank},
          {"score", candidate.score},
          {"subject", quote_bytes(candidate.subject)},
          {"arch", kernel::to_string(candidate.syscall.arch)},
          {"nr", candidate.syscall.nr},
          {"program", quote_bytes(candidate.program)},
          {"also_in", quoted_list(candidate.also_in)},
          {"confidence", elf::to_string(candidate.confidence)},
          {"chain", list_of(candidate.chain, step_json)},
          {"objects", quoted_list(candidate.objects)},
          {"terms", list_of(candidate.terms,
                            [](const Term& term) {
                              return Value{{"name", term.name},
                                           {"points", term.points},
                                           {"why", quote_bytes(term.why)}};
                            })},
          {"why", quote_bytes(candidate.why)},
          {"risk", risk_json(candidate.risk)},
          {"granted", candidate.granted},
          {"opened_by", quoted_list(candidate.opened_by)},
          {"decision", decision_or_null(candidate.decision)}};
}

Value ratio_json(const Ratio& ratio) {
  return {{"observed", ratio.observed},
          {"reachable", ratio.reachable ? Value(*ratio.reachable) : Value()}};
}

Value file_json(const FileCoverage& file) {
  return {{"path", quote_bytes(file.path)},
          {"why", quote_bytes(file.why)},
          {"calls", ratio_json(file.calls)},
          {"functions", file.functions},
          {"reached_functions", file.reached_functions},
          {"unobserved", quoted_list(file.unobserved)}};
}

Value coverage_json(const Coverage& coverage) {
  const Outlook& outlook = coverage.outlook;
  return {
      {"calls", ratio_json(coverage.calls)},
      {"programs", list_of(coverage.programs,
                           [](const ProgramCoverage& program) {
                             return Value{
                                 {"program", quote_bytes(program.program)},
                                 {"calls", ratio_json(program.calls)},
                                 {"files", list_of(program.files, file_json)},
                                 {"outside", quoted_list(program.outside)}};
                           })},
      {"phases", list_of(coverage.phases,
                         [](const PhaseCoverage& phase) {
                           return Value{{"phase", quote_bytes(phase.phase)},
                                        {"calls", phase.calls},
                                        {"only_here", phase.only_here}};
                         })},
      {"growth_by", coverage.growth_by},
      {"growth", list_of(coverage.growth,
                         [](const GrowthStep& step) {
                           return Value{{"name", quote_bytes(step.name)},
                                        {"start", step.start},
                                        {"added", step.added},
                                        {"total", step.total}};
                         })},
      {"outlook",
       {{"worth", outlook.worth},
        {"why", quote_bytes(outlook.why)},
        {"once", outlook.once},
        {"twice", outlook.twice},
        {"expected", outlook.expected ? Value(*outlook.expected) : Value()}}}};
}

Value gap_json(const Gap& gap) {
  return {{"side", gap.side},
          {"kind", quote_bytes(gap.kind)},
          {"place", quote_bytes(gap.place)},
          {"detail", quote_bytes(gap.detail)},
          {"advice", quote_bytes(gap.advice)}};
}

Value advisory_json(const Advisory& advisory) {
  return {{"id", quote_bytes(advisory.id)},
          {"about", quote_bytes(advisory.about)},
          {"exposure", advisory.exposure},
          {"within_reach", advisory.within_reach()},
          {"granted", quoted_list(advisory.granted)},
          {"refused", quoted_list(advisory.refused)},
          {"sources", quoted_list(advisory.sources)}};
}

Value summary_json(const Summary& summary) {
  return {{"stage", policy::to_string(summary.stage)},
          {"target", quote_bytes(summary.target)},
          {"risk_table", quote_bytes(summary.risk_table)},
          {"evidence", evidence::to_string(summary.evidence_state)},
          {"recordings", summary.recordings},
          {"first", summary.first},
          {"last", summary.last},
          {"kernels", quoted_list(summary.kernels)},
          {"programs", quoted_list(summary.programs)},
          {"analyzed", quoted_list(summary.analyzed)},
          {"grants", named_counts(summary.grants)},
          {"risks", named_counts(summary.risks)},
          {"findings", counts_json(summary.findings)}};
}

Value workload_json(const evidence::Workload& workload) {
  return {{"id", quote_bytes(workload.id)},
          {"container", quote_bytes(workload.container)},
          {"owner", quote_bytes(workload.owner)}};
}

}  // namespace

std::string print_review(const Review& review) {
  return json::print(
      {{"schema", kSchema},
       {"workload", workload_json(review.workload)},
       {"day", review.day},
       {"summary", summary_json(review.summary)},
       {"grants", list_of(review.grants, grant_json)},
       {"candidates", list_of(review.candidates, candidate_json)},
       {"findings", list_of(review.findings,
                            [](const policy::Finding& finding) {
                              return policy::to_json(finding);
                            })},
       {"coverage", coverage_json(review.coverage)},
       {"gaps", list_of(review.gaps, gap_json)},
       {"decisions", list_of(review.decisions,
                             [](const DecisionState& state) {
                               Value out = decision_json(state.decision);
                               out["state"] = state.state;
                               out["because"] = quote_bytes(state.because);
                               return out;
                             })},
       {"waivers", list_of(review.waivers, waiver_json)},
       {"advisories", list_of(review.advisories, advisory_json)}});
}

}  // namespace vambrace::review
