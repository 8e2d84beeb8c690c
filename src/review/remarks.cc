#include "review/remarks.h"

#include <algorithm>

#include "base/json.h"
#include "kernel/capabilities.h"
#include "review/days.h"
#include "review/risks.h"
#include "review/traits.h"

namespace vambrace::review {
namespace {

using json::quote_bytes;
using policy::Finding;

// Evidence that is older may be of another program.
constexpr std::int64_t kOldDays = 180;
constexpr std::size_t kNamesShown = 8;

struct TraitWords {
  Trait trait;
  std::string_view message;
  std::string_view hint;
};
constexpr TraitWords kTraits[] = {
    {Trait::Rare, "seen three times at most",
     "is it needed? vambrace explain tells when it was seen"},
    {Trait::OneRecording, "seen in one recording of several",
     "record that case once more, or drop it if it was an accident"},
    {Trait::OnePhase, "seen in one phase, or one test, of several",
     "is what that test does wanted in production?"},
    {Trait::StartupOnly, "seen at the start alone, and allowed ever after",
     "what is needed at the start alone may be done before the workload is "
     "confined"},
    {Trait::HelperOnly,
     "needed by helpers or probes alone, and allowed to the program, too",
     "a helper in a container of its own takes it along"},
    {Trait::Unobserved, "granted though nothing that was seen needs it",
     "vambrace explain tells who asked for it"},
};

// Several names as one text, the first few in full.
std::string first_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kNamesShown, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + quote_bytes(names[i]);
  }
  return names.size() > kNamesShown
             ? fmt::format("{} and {} more", text, names.size() - kNamesShown)
             : text;
}

// "seccomp: ptrace", as synthesis names places.
std::string place_of(const Grant& grant) {
  const std::string subject = quote_bytes(grant.subject);
  const std::size_t space = subject.find(' ');
  if (grant.layer == Layer::Seccomp) {
    return "seccomp: " + subject.substr(space + 1);
  }
  if (grant.layer == Layer::Capabilities) {
    return "capabilities: CAP_" + subject.substr(space + 1);
  }
  return "apparmor: " + subject;
}

bool is_waived(const Grant& grant) {
  return grant.waiver && grant.waiver->state != "expired" &&
         grant.unnamed.empty();
}
// Who adds a risk has not yet said that it is worth it.
bool is_kept(const Grant& grant) {
  return grant.decision && grant.decision->choice == "keep" &&
         grant.unnamed.empty();
}

class Remarks {
 public:
  Remarks(const Inputs& inputs, const Review& review,
          const std::set<std::string>& others)
      : inputs_(inputs), review_(review), others_(others) {}

  std::vector<Finding> run() {
    findings_ = waiver_findings(review_.waivers);
    std::ranges::move(
        file_findings(inputs_.edited, inputs_.missing, inputs_.unfinished),
        std::back_inserter(findings_));
    add_of_policy();
    add_of_rendering();
    add_decisions();
    for (const Grant& grant : review_.grants) {
      add_risk(grant);
    }
    for (const TraitWords& words : kTraits) {
      add_trait(words);
    }
    add_noise();
    add_reachable();
    add_evidence();
    add_analysis();
    add_stage();
    std::ranges::sort(findings_, [](const Finding& one, const Finding& other) {
      return std::tuple(-severity_rank(one.severity), one.place, one.id,
                        one.message) <
             std::tuple(-severity_rank(other.severity), other.place, other.id,
                        other.message);
    });
    const auto [first, last] = std::ranges::unique(findings_);
    findings_.erase(first, last);
    return std::move(findings_);
  }

 private:
  void add(std::string id, std::string severity, std::string place,
           std::string message, std::string hint) {
    findings_.push_back({std::move(id), std::move(severity), std::move(place),
                         std::move(message), std::move(hint)});
  }

  // What synthesis said may have been answered since.
  void add_of_policy() {
    for (Finding finding : inputs_.policy.findings) {
      const auto grant = std::ranges::find_if(
          review_.grants,
          [&](const Grant& one) { return place_of(one) == finding.place; });
      const bool about_risk = finding.id.starts_with("dangerous-");
      if (about_risk && has_own_table()) {
        judge_by_table(finding, grant == review_.grants.end()
                                    ? std::nullopt
                                    : std::optional(grant->risk));
      }
      if (about_risk && grant != review_.grants.end()) {
        told_.insert(finding.place);
        answer(finding, *grant);
      } else if (finding.id == "dangerous-capability") {
        finding.severity = "low";
        finding.message += "; it was used and is not granted";
        finding.hint = fmt::format(
            "waive \"{0}\" with a name and a date if it must work, or drop "
            "\"{0}\"",
            "capability " + finding.place.substr(finding.place.find('_') + 1));
      }
      findings_.push_back(std::move(finding));
    }
  }

  bool has_own_table() const {
    return &inputs_.risks != &policy::builtin_risks();
  }
  std::string by_table() const {
    return fmt::format("by the table of risks of {}",
                       quote_bytes(inputs_.risks.version));
  }

  // Synthesis knows the table that ships alone.
  void judge_by_table(Finding& finding, std::optional<Risk> risk) const {
    if (!risk) {
      risk = refused_risk(finding.place);
    }
    if (!risk) {
      return;
    }
    finding.severity = risk->level == RiskClass::High      ? "high"
                       : risk->level == RiskClass::Unknown ? "medium"
                       : risk->level == RiskClass::Medium  ? "low"
                                                           : "info";
    finding.message = fmt::format("{} risk {}{}{}", to_string(risk->level),
                                  by_table(), risk->exposes.empty() ? "" : ": ",
                                  quote_bytes(risk->exposes));
  }

  // Of a capability that was used and is not granted.
  std::optional<Risk> refused_risk(std::string_view place) const {
    for (const policy::CapabilityRule& rule : inputs_.policy.capabilities) {
      const auto name = kernel::capability_name(rule.number);
      if (name && place == fmt::format("capabilities: {}", *name)) {
        return Risks(inputs_.risks).of_capability(rule.number);
      }
    }
    return std::nullopt;
  }

  // A place is of a file's rule if it ends in its pattern.
  void add_of_rendering() {
    for (Finding finding : inputs_.rendering) {
      for (const Grant& grant : review_.grants) {
        const auto subject = policy::parse_subject(grant.subject);
        const auto* file =
            subject ? std::get_if<policy::FileSubject>(&*subject) : nullptr;
        if (file != nullptr && grant.layer == Layer::AppArmor &&
            finding.severity == "high" &&
            finding.place.ends_with(": " + quote_bytes(file->pattern))) {
          answer(finding, grant);
          break;
        }
      }
      findings_.push_back(std::move(finding));
    }
  }

  // An expired waiver answers nothing, whatever policy.json still says.
  static void answer(Finding& finding, const Grant& grant) {
    if (!grant.unnamed.empty()) {
      finding.severity = grant.unnamed_risk == RiskClass::High  ? "high"
                         : grant.unnamed_risk == RiskClass::Low ? "low"
                                                                : "medium";
      finding.message += fmt::format(
          "; nobody spoke of \"{}\" in what was kept or waived of it",
          quote_bytes(grant.unnamed));
    } else if (is_waived(grant)) {
      finding.severity = "info";
      finding.message += fmt::format("; waived by {} until {}",
                                     quote_bytes(grant.waiver->waiver.who),
                                     grant.waiver->waiver.until);
    } else if (grant.waiver) {
      finding.severity = "high";
      finding.message += "; its waiver has expired";
    } else if (is_kept(grant)) {
      finding.severity = "low";
      finding.message += fmt::format("; {} by {}: {}", grant.decision->choice,
                                     quote_bytes(grant.decision->who),
                                     quote_bytes(grant.decision->why));
    }
  }

  void add_decisions() {
    for (const DecisionState& state : review_.decisions) {
      const std::string place = fmt::format("bundle.yaml: decision \"{}\"",
                                            quote_bytes(state.decision.what));
      if (state.state == "pending") {
        add("decision-pending", "medium", place,
            fmt::format("\"{}\" is not in the policy yet",
                        quote_bytes(state.decision.choice)),
            "apply it with: vambrace synth -o DIR");
      } else if (state.state == "idle") {
        add("decision-idle", "low", place, state.because,
            "look for a mistake in its words, or forget it");
      } else if (state.state == "partial") {
        add("decision-partial", "medium", place, state.because,
            "decide about what permits it, too");
      } else if (state.state == "ineffective") {
        const bool runtime = state.because.contains("granted to the runtime");
        add("decision-ineffective", runtime ? "medium" : "high", place,
            state.because,
            runtime ? "forget it: the runtime must make it"
                    : "decide about what permits it, or forget it");
      }
    }
  }

  // What the table calls high, each by itself.
  void add_risk(const Grant& grant) {
    const bool high = grant.risk.level == RiskClass::High;
    const bool unknown = grant.risk.level == RiskClass::Unknown;
    if (grant.risk.level == RiskClass::Low) {
      return;
    }
    const std::string place = place_of(grant);
    const bool runtime = grant.traits.contains(Trait::RuntimeOnly);
    if (unknown && !told_.contains(place)) {
      Finding finding{"unknown-risk", runtime ? "low" : "medium", place,
                      "the table of risks does not say what it opens",
                      hint_for(grant)};
      if (is_waived(grant) || is_kept(grant)) {
        answer(finding, grant);
      }
      findings_.push_back(std::move(finding));
    }
    if (high && !told_.contains(place)) {
      Finding finding{"high-risk", runtime ? "medium" : "high", place,
                      has_own_table()
                          ? fmt::format("high risk {}: {}", by_table(),
                                        quote_bytes(grant.risk.exposes))
                          : quote_bytes(grant.risk.exposes),
                      runtime ? "the container runtime makes it under the "
                                "filter; with no_new_privs it makes fewer"
                              : hint_for(grant)};
      answer(finding, grant);
      findings_.push_back(std::move(finding));
    }
    for (const TraitWords& words : kTraits) {
      if (grant.traits.contains(words.trait)) {
        add("overreach",
            is_waived(grant) || is_kept(grant) ? "info"
            : high || unknown                  ? "medium"
                                               : "low",
            place,
            fmt::format("{} risk and {}", to_string(grant.risk.level),
                        words.message),
            std::string(words.hint));
      }
    }
  }

  static std::string hint_for(const Grant& grant) {
    const bool can_decide = policy::parse_subject(grant.subject).has_value();
    return can_decide
               ? fmt::format("drop it, or waive \"{}\" with a name and a date",
                             quote_bytes(grant.subject))
               : "no decision can name it; record without what does it";
  }

  // Of the other grants, one finding for all.
  void add_trait(const TraitWords& words) {
    std::vector<std::string> names;
    for (const Grant& grant : review_.grants) {
      const bool told = grant.risk.level != RiskClass::Low;
      const std::string name =
          grant.subject.substr(grant.subject.find(' ') + 1);
      const bool expected = grant.layer == Layer::Seccomp &&
                            (is_of_every_start(name) || is_always(grant));
      if (grant.traits.contains(words.trait) && !told && !expected &&
          !grant.decision) {
        names.push_back(grant.layer == Layer::Seccomp ? name : grant.subject);
      }
    }
    if (!names.empty()) {
      add(std::string(to_string(words.trait)), "info", "grants",
          fmt::format("{} {}: {}", names.size(), words.message,
                      first_of(names)),
          std::string(words.hint));
    }
  }

  static bool is_always(const Grant& grant) {
    return std::ranges::any_of(grant.needs, [](const Need& need) {
      return need.role == Role::Always;
    });
  }

  void add_noise() {
    for (const policy::CapabilityNoise& noise : inputs_.policy.noise) {
      const auto name = kernel::capability_name(noise.number);
      add("noise", "info",
          fmt::format("capabilities: {}", name.value_or("unknown")),
          fmt::format("asked for and not needed: {}", noise.why),
          "nothing to do: it is not granted");
    }
  }

  void add_reachable() {
    std::vector<std::string> names;
    std::vector<std::string> nothing_new;
    for (const Candidate& candidate : review_.candidates) {
      if (!candidate.granted && !candidate.decision) {
        (candidate.opened_by.empty() ? names : nothing_new)
            .push_back(kernel::syscall_label(candidate.syscall));
      }
    }
    const std::size_t all = names.size() + nothing_new.size();
    if (all == 0) {
      return;
    }
    const std::string refused = fmt::format(
        "{} calls can be made, were not seen and would be refused", all);
    constexpr std::string_view kHint =
        "test what leads there (the chains tell), or add those that must work";
    if (nothing_new.empty()) {
      add("reachable", "low", "coverage",
          fmt::format("{}; most likely first: {}", refused, first_of(names)),
          std::string(kHint));
      return;
    }
    add("reachable", "low", "coverage",
        fmt::format("{}; {} of them open no more than what is granted: {}{}{}",
                    refused, nothing_new.size(), first_of(nothing_new),
                    names.empty() ? "" : "; of the others most likely first: ",
                    first_of(names)),
        fmt::format("{}; vambrace review DIR add \"{}\" with --root or --reach "
                    "adds the first kind",
                    kHint, kNothingNew));
  }

  void add_evidence() {
    if (inputs_.evidence.recordings.empty()) {
      add("evidence-none", "medium", "evidence",
          "there is no recording: how often anything was used is unknown",
          "keep the evidence in the bundle's folder");
      return;
    }
    add_age();
    for (const evidence::Recording& recording : inputs_.evidence.recordings) {
      const auto version = runtime::parse_version(recording.kernel);
      const runtime::Version wanted = inputs_.target.kernel;
      if (version && version->major != wanted.major) {
        add("evidence-kernel", "low",
            fmt::format("evidence: {:.8}", recording.id),
            fmt::format("recorded on kernel {}, for a target with {}",
                        quote_bytes(recording.kernel),
                        runtime::to_string(wanted)),
            "a C library takes other calls on another kernel: record there, "
            "too");
      }
    }
    for (const evidence::Process& process : inputs_.evidence.processes) {
      judge_build(process.key);
    }
  }

  void add_age() {
    const auto today = day_number(inputs_.day);
    std::optional<std::int64_t> newest;
    for (const evidence::Recording& recording : inputs_.evidence.recordings) {
      using std::chrono::days;
      const std::int64_t day =
          std::chrono::floor<days>(recording.end).time_since_epoch().count();
      newest = std::max(newest.value_or(day), day);
    }
    if (today && newest && *today - *newest > kOldDays) {
      add("evidence-stale", "low", "evidence",
          fmt::format("the newest recording is {} days old", *today - *newest),
          "record again: software and its use change");
    }
  }

  // The same path with another build id is another program.
  void judge_build(const evidence::ProcessKey& key) {
    if (!key.build_id || key.build_id->empty()) {
      return;
    }
    const auto installed = inputs_.installed.find(key.exe);
    if (installed != inputs_.installed.end() && !installed->second.empty() &&
        installed->second != *key.build_id) {
      add("build-changed", "medium", "program: " + quote_bytes(key.exe),
          fmt::format("was recorded as build {:.12} and is {:.12} now",
                      *key.build_id, installed->second),
          "record the new build; what it needs may differ");
    }
    for (const elf::Reach& reach : inputs_.reaches) {
      if (reach.program == key.exe && !reach.build_id.empty() &&
          reach.build_id != *key.build_id) {
        add("analysis-stale", "medium", "program: " + quote_bytes(key.exe),
            fmt::format("was recorded as build {:.12}, but {:.12} was "
                        "analyzed",
                        *key.build_id, reach.build_id),
            "analyze and record the same build");
      }
    }
  }

  void add_analysis() {
    for (const std::string& program : others_) {
      add("analysis-other", "low", "program: " + quote_bytes(program),
          "was analyzed and is in no recording: what it can do is left out",
          "analyze a program that was recorded, by the path it has there");
    }
    if (inputs_.reaches.empty()) {
      add("analysis-none", "low", "coverage",
          "no program was analyzed: what they could do beside what was seen "
          "is unknown",
          "vambrace analyze PROGRAM --json > FILE, then review with --reach "
          "FILE");
      return;
    }
    for (const elf::Reach& reach : inputs_.reaches) {
      if (!reach.gaps.empty()) {
        add("analysis-gap", "low", "program: " + quote_bytes(reach.program),
            fmt::format("the analysis could not tell at {} places; more calls "
                        "may be reachable there",
                        reach.gaps.size()),
            "the gaps are listed with --json");
      }
    }
    for (const ProgramCoverage& program : review_.coverage.programs) {
      if (!program.outside.empty()) {
        add("analysis-unsound", "low",
            "program: " + quote_bytes(program.program),
            fmt::format("made calls that the analysis does not know: {}",
                        first_of(program.outside)),
            "was the same build analyzed, with the libraries that it loads "
            "while it runs?");
      }
    }
  }

  void add_stage() {
    if (inputs_.stage != policy::Stage::Harden) {
      add("not-enforced", "info", "bundle.yaml: stage",
          fmt::format("at stage {} more is allowed; this is a review of what "
                      "harden keeps",
                      policy::to_string(inputs_.stage)),
          "");
    }
  }

  const Inputs& inputs_;
  const Review& review_;
  const std::set<std::string>& others_;
  std::vector<Finding> findings_;
  std::set<std::string> told_;  // places of risks that the policy tells
};

}  // namespace

std::vector<Finding> file_findings(const std::vector<std::string>& edited,
                                   const std::vector<std::string>& missing,
                                   const std::vector<std::string>& unfinished) {
  std::vector<Finding> findings;
  for (const std::string& file : edited) {
    findings.push_back(
        {.id = "layer-edited",
         .severity = "high",
         .place = quote_bytes(file),
         .message = "is not what the policy renders to: it was edited, or "
                    "another version of vambrace wrote it",
         .hint = "vambrace synth -o DIR renders it anew; vambrace diff shows "
                 "what the rules permit"});
  }
  for (const std::string& file : missing) {
    findings.push_back(
        {.id = "layer-missing",
         .severity = "high",
         .place = quote_bytes(file),
         .message = "is missing: whoever starts a container with it starts it "
                    "without what the policy says",
         .hint = "vambrace synth -o DIR writes it"});
  }
  if (!unfinished.empty()) {
    findings.push_back(
        {.id = "synth-interrupted",
         .severity = "medium",
         .place = quote_bytes(unfinished.front()),
         .message = fmt::format(
             "a synth that was interrupted left it{}: the bundle's files may "
             "be some of that run and some older",
             unfinished.size() == 1
                 ? ""
                 : fmt::format(" and {} more", unfinished.size() - 1)),
         .hint = "run vambrace synth -o DIR again, unless it runs right now"});
  }
  return findings;
}

int severity_rank(std::string_view severity) {
  constexpr std::string_view kWords[] = {"info", "low", "medium", "high"};
  const auto* word = std::ranges::find(kWords, severity);
  return word == std::end(kWords)
             ? 0
             : static_cast<int>(std::distance(std::begin(kWords), word));
}

std::vector<Finding> remarks_of(const Inputs& inputs, const Review& review,
                                const std::set<std::string>& others) {
  return Remarks(inputs, review, others).run();
}

}  // namespace vambrace::review
