#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "elf/reach.h"
#include "evidence/evidence.h"
#include "policy/decision.h"
#include "policy/policy.h"
#include "policy/risk.h"
#include "policy/stage.h"

// What a person must know before they put their name under a policy, as
// values. docs/formats/review.md has the JSON form; judge.h makes one.
namespace vambrace::review {

enum class Layer : std::uint8_t { Seccomp, AppArmor, Capabilities };

// "seccomp", "apparmor", "capabilities".
std::string_view to_string(Layer layer);

// What a grant opens, from the table of risks; ascending.
using policy::RiskClass;
using policy::to_string;

struct Risk {
  RiskClass level = RiskClass::Unknown;
  // What a compromised workload gains from it, as half a sentence; empty:
  // nothing is known.
  std::string exposes;
  // Manual pages and documents that say so.
  std::vector<std::string> sources;
  // Identifiers of kernel advisories ("CVE-2022-0185") with a step by it.
  std::vector<std::string> advisories;
  auto operator<=>(const Risk&) const = default;
};

// Who needs a grant.
enum class Role : std::uint8_t {
  App,       // the workload's main program
  Helper,    // another program that it runs
  Probe,     // a declared health check
  Runtime,   // runc or crun, when it starts or enters a container
  Closure,   // a widening that was asked for
  Always,    // what every program may come to need
  Decision,  // a person added or kept it
};

// "app", "helper", "probe", "runtime", "closure", "always", "decision".
std::string_view to_string(Role role);

// One that needs a grant.
struct Need {
  Role role = Role::App;
  // A program's file, the closure, the person's words; empty for the runtime.
  std::string name;
  std::string script;  // as evidence::ProcessKey::script
  std::uint64_t count = 0;
  std::set<std::string> phases;
  auto operator<=>(const Need&) const = default;
};

// What is worth a second look in how a grant was used.
enum class Trait : std::uint8_t {
  Rare,          // seen a few times in all
  OneRecording,  // seen in one recording of several
  OnePhase,      // seen in one phase (one test) of several
  StartupOnly,   // seen in the first phase and never again
  HelperOnly,    // needed by helpers and probes alone
  RuntimeOnly,   // needed by the container runtime alone
  Unobserved,    // granted though no counted evidence needs it
};

// "rare", "one-recording", "one-phase", "startup-only", "helper-only",
// "runtime-only", "unobserved".
std::string_view to_string(Trait trait);

// A decision of bundle.yaml and what came of it.
struct DecisionState {
  policy::Decision decision;
  // "applied"; "pending": the next `vambrace synth` applies it; "idle": there
  // is no such rule and none would be made; "partial": of the layers that could
  // refuse what is dropped one still permits it; "ineffective": the workload
  // can do it all the same, or cannot do what was added.
  std::string state;
  std::string because;  // empty: nothing is to be said
  auto operator<=>(const DecisionState&) const = default;
};

// A waiver of bundle.yaml on the day of the review.
struct WaiverState {
  policy::Waiver waiver;
  // "holds", "expiring", "expired".
  std::string state;
  // To its last day: 0 on that day, negative after it.
  std::int64_t days_left = 0;
  // Of an expiring one: 30, 7 or 1, the nearest warning that is due.
  std::int64_t within = 0;
  auto operator<=>(const WaiverState&) const = default;
};

// One thing that the policy lets the workload do.
struct Grant {
  Layer layer = Layer::Seccomp;
  // In the words of a decision: "syscall ptrace", "capability NET_ADMIN",
  // "file /var/lib/x/* rw", "network inet stream", "signal term". Rules that
  // no decision can name stand as "mount ..." and "ptrace ...".
  std::string subject;
  // The helper whose rule it is; empty: the main program, or all of them.
  std::string program;
  // Which arguments it is narrowed to, or what its pattern permits beyond
  // what was seen; empty: neither.
  std::string limits;
  std::set<kernel::Arch> arches;  // of a call
  Risk risk;
  std::vector<Need> needs;       // sorted
  std::uint64_t count = 0;       // by those that count for a policy
  std::uint64_t recordings = 0;  // in how many it was seen
  // How often in which phase. A test that was recorded by its name is one.
  std::map<std::string, std::uint64_t> phases;
  std::set<Trait> traits;
  std::vector<policy::Reason> reasons;  // sorted
  std::optional<policy::Decision> decision;
  std::optional<WaiverState> waiver;
  // Of a file, where a keep or a waiver that holds names some of its letters:
  // the others, and what these open. Empty: all are named, or none.
  std::string unnamed;
  RiskClass unnamed_risk = RiskClass::Unknown;
  auto operator<=>(const Grant&) const = default;
};

// One reason for or against a candidate, in points.
struct Term {
  std::string name;  // "sibling", "near", "rare-path", ...: rank.h
  std::int64_t points = 0;
  std::string why;
  auto operator<=>(const Term&) const = default;
};

// A call that the binaries can make and no evidence shows.
struct Candidate {
  // From 1. What is one thing to decide about has one: first what opens nothing
  // new, then calls of which the table of risks has one class, the same words
  // and the same advisories.
  std::uint64_t rank = 0;
  std::int64_t score = 0;  // sum of the terms' points
  std::string subject;     // "syscall mremap"
  kernel::Syscall syscall;
  std::string program;               // whose analysis tells it best
  std::vector<std::string> also_in;  // other programs that can make it
  elf::Confidence confidence = elf::Confidence::Direct;
  std::vector<elf::Step> chain;      // from an entry point to the call
  std::vector<std::string> objects;  // files in which the call is made
  std::vector<Term> terms;           // most points first
  std::string why;                   // the terms in one sentence
  Risk risk;
  // Allowed all the same: the runtime, a closure or a person grants it.
  bool granted = false;
  // Calls that are granted to stay, with any arguments, and do all that this
  // one does, as the table of risks has it. Sorted; empty: none is known to, or
  // it is a step to an advisory that nothing granted takes, or granted itself.
  std::vector<std::string> opened_by;
  std::optional<policy::Decision> decision;
  auto operator<=>(const Candidate&) const = default;
};

// What people call the candidates that are opened by what is granted.
constexpr std::string_view kNothingNew = "what opens nothing new";

// Candidates that are opened by what is granted and that nobody decided about,
// in their order. A call of two architectures is one: "mkdirat" by "mkdir".
struct Offer {
  std::string subject;  // "syscall mkdirat"
  std::string by;       // one of opened_by
};
std::vector<Offer> nothing_new(std::span<const Candidate> candidates);

// Those of each rank together; into the candidates, which stand by rank.
std::vector<std::span<const Candidate>> by_rank(
    std::span<const Candidate> candidates);

// How many of the calls that could be made were seen.
struct Ratio {
  std::uint64_t observed = 0;
  std::optional<std::uint64_t> reachable;  // nullopt: unknown
  auto operator<=>(const Ratio&) const = default;
};

struct FileCoverage {
  std::string path;
  std::string why;  // "program", "needed by /usr/sbin/nginx"
  // Of the calls that its reached functions make, those that were seen.
  Ratio calls;
  std::uint64_t functions = 0;
  std::uint64_t reached_functions = 0;
  std::vector<std::string> unobserved;  // names, sorted
  auto operator<=>(const FileCoverage&) const = default;
};

struct ProgramCoverage {
  std::string program;
  Ratio calls;
  std::vector<FileCoverage> files;  // in the order of loading; empty: unknown
  // Calls that were seen and that the analysis does not know: a fault of the
  // analysis, or evidence of another build.
  std::vector<std::string> outside;
  auto operator<=>(const ProgramCoverage&) const = default;
};

struct PhaseCoverage {
  std::string phase;
  std::uint64_t calls = 0;      // distinct ones
  std::uint64_t only_here = 0;  // seen in no other phase
  auto operator<=>(const PhaseCoverage&) const = default;
};

// Recordings in the order in which they were made; with a single recording,
// its phases.
struct GrowthStep {
  std::string name;   // recording or phase
  std::string start;  // of a recording, as in the evidence
  std::uint64_t added = 0;
  std::uint64_t total = 0;
  auto operator<=>(const GrowthStep&) const = default;
};

// Is another test run worth it?
struct Outlook {
  // "yes", "no", "unknown".
  std::string worth;
  std::string why;
  // Calls seen in one step alone, and in exactly two.
  std::uint64_t once = 0;
  std::uint64_t twice = 0;
  // Calls that more runs like these would still add (Chao's lower bound).
  // nullopt: too few steps to tell.
  std::optional<std::uint64_t> expected;
  auto operator<=>(const Outlook&) const = default;
};

struct Coverage {
  Ratio calls;  // of all programs together
  std::vector<ProgramCoverage> programs;
  std::vector<PhaseCoverage> phases;
  std::string growth_by;  // "recording", "phase"
  std::vector<GrowthStep> growth;
  Outlook outlook;
  auto operator<=>(const Coverage&) const = default;
};

// Something known to be unknown.
struct Gap {
  std::string side;   // "evidence", "analysis"
  std::string kind;   // of evidence::Gap or elf::Gap; "no-analysis"
  std::string place;  // a recording, a function in a file
  std::string detail;
  std::string advice;
  auto operator<=>(const Gap&) const = default;
};

// A published vulnerability of the kernel, and whether the policy leaves the
// way to it open. About the known ways only: the kernel may have been fixed
// long ago.
struct Advisory {
  std::string id;     // "CVE-2016-8655"
  std::string about;  // "net/packet: ..."
  // "open": every known way is; "narrowed": some of them are refused;
  // "closed": every one is refused; "unmapped": no way by a call is known.
  std::string exposure;
  // What the known ways need and the policy grants or refuses:
  // "socket(AF_PACKET)", "CAP_NET_RAW". Sorted.
  std::vector<std::string> granted;
  std::vector<std::string> refused;
  std::vector<std::string> sources;

  // Only "open" and "narrowed" are.
  bool within_reach() const {
    return exposure == "open" || exposure == "narrowed";
  }
  auto operator<=>(const Advisory&) const = default;
};

// Where the policy came from and how much there is of it.
struct Summary {
  policy::Stage stage = policy::Stage::Harden;
  std::string target;
  std::string risk_table;  // its version
  evidence::State evidence_state = evidence::State::Complete;
  std::uint64_t recordings = 0;
  std::string first;  // start of the first recording; empty: there is none
  std::string last;   // end of the last one
  std::vector<std::string> kernels;
  std::vector<std::string> programs;  // that were seen to run, sorted
  std::vector<std::string> analyzed;  // of which there is an analysis
  std::map<Layer, std::uint64_t> grants;
  std::map<RiskClass, std::uint64_t> risks;       // grants by class
  std::map<std::string, std::uint64_t> findings;  // by severity
  auto operator<=>(const Summary&) const = default;
};

// Equal inputs give equal reviews. Only waivers and ages look at the day.
struct Review {
  evidence::Workload workload;
  std::string day;  // 2026-12-31: of the review
  Summary summary;
  // Of every layer. By risk, worst first, then by layer and subject.
  std::vector<Grant> grants;
  std::vector<Candidate> candidates;  // by rank
  // The review's own and the policy's; worst first, then by place and id.
  std::vector<policy::Finding> findings;
  Coverage coverage;
  std::vector<Gap> gaps;  // sorted
  std::vector<DecisionState> decisions;
  std::vector<WaiverState> waivers;
  // "open", "narrowed", "unmapped", "closed"; each in the table's order.
  std::vector<Advisory> advisories;
  auto operator<=>(const Review&) const = default;
};

}  // namespace vambrace::review
