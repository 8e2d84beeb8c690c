#include "review/rank.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "base/json.h"
#include "policy/closure.h"
#include "review/families.h"

namespace vambrace::review {
namespace {

// How much each term weighs (bench/review_usefulness.py): what programs in
// general make tells most, then whether the program asks for the call by
// itself. That its kind was seen, or its surroundings, has no weight: it helps
// to judge a candidate, but where an area was tried and a call was not made, it
// is no likelier than where nothing was tried, as test suites of real programs
// show.
constexpr std::int64_t kCommonToAll = 100;
constexpr std::int64_t kOwnCode = 40;
constexpr std::int64_t kOwnDeep = 10;
constexpr std::int64_t kLibraryCode = 3;
constexpr std::int64_t kInstead = -20;
constexpr std::size_t kNear = 4;  // functions from the call back
constexpr std::int64_t kMissedPoints = 3;
constexpr std::int64_t kShared = 2;
constexpr std::int64_t kDirect = 1;

using Function = std::tuple<std::string, std::string, std::uint64_t>;

Function function_of(const elf::Step& step) {
  return {step.object, step.function, step.address};
}

std::string name_of(const elf::Step& step) {
  return step.function.empty()
             ? fmt::format("the function at {:#x} of {}", step.address,
                           json::quote_bytes(step.object))
             : json::quote_bytes(step.function);
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return names.size() > kShown
             ? fmt::format("{} and {} more", text, names.size() - kShown)
             : text;
}

// Of one program: where calls that were seen come by.
class Paths {
 public:
  Paths(const elf::Reach& reach, const std::set<kernel::Syscall>& observed) {
    for (const elf::ReachedCall& call : reach.calls) {
      if (!observed.contains(call.syscall)) {
        continue;
      }
      for (const elf::Step& step : call.chain) {
        ways_[function_of(step)].push_back(kernel::syscall_label(call.syscall));
      }
    }
  }

  // Calls that were seen and come by this function; nullptr: none does.
  const std::vector<std::string>* through(const elf::Step& step) const {
    const auto it = ways_.find(function_of(step));
    return it == ways_.end() ? nullptr : &it->second;
  }

 private:
  std::map<Function, std::vector<std::string>> ways_;
};

class Scorer {
 public:
  Scorer(const elf::Reach& reach, const Paths& paths,
         const std::set<std::string>& observed_names)
      : reach_(reach), paths_(paths), observed_(observed_names) {}

  std::vector<Term> terms(const elf::ReachedCall& call, std::size_t programs) {
    terms_.clear();
    const std::string name = kernel::syscall_label(call.syscall);
    common(name);
    sibling(name);
    near(call);
    own_code(call);
    instead(name);
    if (call.confidence == elf::Confidence::Direct) {
      add("direct", kDirect, "calls alone lead there from an entry point");
    }
    if (const auto when = missed_when(name); !when.empty()) {
      add("missed", kMissedPoints,
          fmt::format("recordings often miss it: made when {}", when));
    }
    if (programs > 1) {
      add("shared", kShared,
          fmt::format("{} programs of the workload can make it", programs));
    }
    std::ranges::stable_sort(terms_, std::greater(), &Term::points);
    return terms_;
  }

 private:
  void add(std::string name, std::int64_t points, std::string why) {
    terms_.push_back({std::move(name), points, std::move(why)});
  }

  void common(const std::string& name) {
    const std::uint32_t programs = commonness(name);
    if (programs > 0) {
      add("common",
          (kCommonToAll * programs + kProgramsCounted / 2) / kProgramsCounted,
          fmt::format("{} of {} programs make it", programs, kProgramsCounted));
    }
  }

  void sibling(const std::string& name) {
    std::vector<std::string> seen;
    std::string_view about;
    for (const Family& family : families()) {
      if (std::ranges::find(family.calls, name) == family.calls.end()) {
        continue;
      }
      std::vector<std::string> here;
      for (const std::string_view other : family.calls) {
        if (observed_.contains(std::string(other))) {
          here.emplace_back(other);
        }
      }
      if (here.size() > seen.size()) {
        seen = std::move(here);
        about = family.about;
      }
    }
    if (!seen.empty()) {
      add("sibling", 0,
          fmt::format("its kind ({}) was seen: {}", about, listed(seen)));
    }
  }

  // The last function of the chain by which calls that were seen come, too.
  void near(const elf::ReachedCall& call) {
    const std::size_t length = call.chain.size();
    for (std::size_t after = 0; after < std::min(length, kNear); ++after) {
      const elf::Step& step = call.chain[length - 1 - after];
      if (const auto* ways = paths_.through(step)) {
        add("near", 0,
            fmt::format("{} is also on the way to what was seen: {}",
                        name_of(step), listed(*ways)));
        return;
      }
    }
  }

  // Code that did the job in one way does it in another only if it is asked to:
  // mkdirat where mkdir was seen.
  void instead(const std::string& name) {
    std::vector<std::string> seen;
    for (const auto& set : policy::equivalents()) {
      if (std::ranges::find(set, name) == set.end()) {
        continue;
      }
      for (const std::string_view other : set) {
        if (observed_.contains(std::string(other)) &&
            std::ranges::find(seen, other) == seen.end()) {
          seen.emplace_back(other);
        }
      }
    }
    if (!seen.empty()) {
      add("instead", kInstead,
          fmt::format("what does the same was seen: {}", listed(seen)));
    }
  }

  // The file that makes it is a library most often, which says little: who
  // calls that library's function is what counts.
  void own_code(const elf::ReachedCall& call) {
    const elf::Asker* asker = nullptr;
    for (const elf::Asker& one : call.askers) {
      if (one.object == reach_.program) {
        asker = &one;
        break;
      }
      if (asker == nullptr && one.inside > 0) {
        asker = &one;
      }
    }
    if (asker == nullptr) {
      return;
    }
    const std::string function =
        asker->function.empty() ? "code" : json::quote_bytes(asker->function);
    if (asker->object != reach_.program) {
      add("own-code", kLibraryCode,
          fmt::format("{} of {} asks for it", function,
                      json::quote_bytes(asker->object)));
    } else if (asker->inside <= 1) {
      add("own-code", kOwnCode,
          fmt::format("{} of the program asks for it", function));
    } else {
      add("own-code", kOwnDeep,
          fmt::format("{} of the program asks for what makes it", function));
    }
  }

  const elf::Reach& reach_;
  const Paths& paths_;
  const std::set<std::string>& observed_;
  std::vector<Term> terms_;
};

// What this workload tells first, what programs in general do last.
std::string sentence(const std::vector<Term>& terms) {
  constexpr std::string_view kOrder[] = {
      "near", "sibling", "missed", "own-code", "instead", "common", "shared"};
  constexpr std::size_t kTold = 3;
  std::string text;
  std::size_t told = 0;
  for (const std::string_view name : kOrder) {
    const auto term = std::ranges::find(terms, name, &Term::name);
    if (term != terms.end() && term->points >= 0 && told < kTold) {
      text += (told++ == 0 ? "" : "; ") + term->why;
    }
  }
  return text;
}

// How many programs can make each call.
std::map<kernel::Syscall, std::vector<std::string>> programs_by_call(
    std::span<const elf::Reach> reaches) {
  std::map<kernel::Syscall, std::vector<std::string>> programs;
  for (const elf::Reach& reach : reaches) {
    for (const elf::ReachedCall& call : reach.calls) {
      programs[call.syscall].push_back(reach.program);
    }
  }
  return programs;
}

// Which calls the policy grants.
class Granted {
 public:
  explicit Granted(const Surroundings& around) : around_(around) {
    for (const Grant& grant : around.grants) {
      if (grant.layer != Layer::Seccomp) {
        continue;
      }
      arches_.insert(grant.arches.begin(), grant.arches.end());
      grants_.emplace(grant.subject.substr(grant.subject.find(' ') + 1),
                      &grant);
    }
  }

  // By name, whatever the architectures: as Grant has it.
  bool has(const std::string& name) const { return grants_.contains(name); }

  // As Candidate::opened_by.
  std::vector<std::string> that_cover(const std::string& call,
                                      const Candidate& candidate) const {
    std::vector<std::string> names;
    if (candidate.risk.level == RiskClass::High ||
        !arches_.contains(candidate.syscall.arch) ||
        around_.risks.leads_further(call, around_.allowed)) {
      return names;
    }
    for (const std::string& name : around_.risks.covering(call)) {
      const auto it = grants_.find(name);
      if (it != grants_.end() && covers(*it->second, call, candidate)) {
        names.push_back(name);
      }
    }
    return names;
  }

 private:
  // What some arguments open is less than what all of them do, and what
  // somebody dropped or takes for a time is not granted to stay.
  bool covers(const Grant& grant, const std::string& call,
              const Candidate& candidate) const {
    const bool stays =
        !grant.waiver && (!grant.decision || grant.decision->choice != "drop");
    // An added call is granted wherever it exists.
    const bool everywhere = std::ranges::all_of(arches_, [&](auto arch) {
      return grant.arches.contains(arch) || !kernel::syscall_number(arch, call);
    });
    return stays && everywhere && grant.limits.empty() &&
           candidate.risk.level <= grant.risk.level;
  }

  const Surroundings& around_;
  std::map<std::string, const Grant*> grants_;
  std::set<kernel::Arch> arches_;
};

Candidate candidate_of(const elf::Reach& reach, const elf::ReachedCall& call,
                       std::vector<Term> terms, const Granted& granted,
                       const Risks& risks) {
  const std::string name = kernel::syscall_label(call.syscall);
  Candidate made{.subject = "syscall " + name,
                 .syscall = call.syscall,
                 .program = reach.program,
                 .confidence = call.confidence,
                 .chain = call.chain,
                 .objects = call.objects,
                 .terms = std::move(terms),
                 .risk = risks.of_call(name, {}),
                 .granted = granted.has(name)};
  for (const Term& term : made.terms) {
    made.score += term.points;
  }
  made.why = sentence(made.terms);
  if (!made.granted) {
    made.opened_by = granted.that_cover(name, made);
  }
  if (!made.opened_by.empty()) {
    made.why = fmt::format("opens no more than what is granted ({}){}{}",
                           listed(made.opened_by), made.why.empty() ? "" : "; ",
                           made.why);
  }
  return made;
}

// What candidates with one rank have in common: that they open nothing new, or
// all that the table of risks tells of them. What it does not know is only like
// itself.
using Opens = std::tuple<bool, RiskClass, std::string, std::vector<std::string>,
                         std::optional<kernel::Syscall>>;

Opens opens(const Candidate& candidate) {
  const Risk& risk = candidate.risk;
  if (!candidate.opened_by.empty()) {
    return {};
  }
  return {
      candidate.granted, risk.level, risk.exposes, risk.advisories,
      risk.exposes.empty() ? std::optional(candidate.syscall) : std::nullopt};
}

// What opens nothing new, then those that open the same behind the likeliest of
// them.
std::vector<Candidate> in_order(std::vector<Candidate> candidates) {
  std::ranges::sort(candidates, [](const Candidate& one,
                                   const Candidate& other) {
    const bool more = one.opened_by.empty();
    const bool other_more = other.opened_by.empty();
    return std::tie(one.granted, more, other.score, one.subject, one.syscall) <
           std::tie(other.granted, other_more, one.score, other.subject,
                    other.syscall);
  });
  std::map<Opens, std::uint64_t> ranks;
  for (Candidate& candidate : candidates) {
    candidate.rank =
        ranks.try_emplace(opens(candidate), ranks.size() + 1).first->second;
  }
  std::ranges::stable_sort(candidates, {}, &Candidate::rank);
  return candidates;
}

}  // namespace

std::vector<Candidate> candidates_of(std::span<const elf::Reach> reaches,
                                     const Surroundings& around) {
  std::set<std::string> observed_names;
  for (const kernel::Syscall call : around.observed) {
    observed_names.insert(kernel::syscall_label(call));
  }
  const Granted granted(around);
  const auto programs = programs_by_call(reaches);
  std::map<kernel::Syscall, Candidate> best;
  for (const elf::Reach& reach : reaches) {
    const Paths paths(reach, around.observed);
    Scorer scorer(reach, paths, observed_names);
    for (const elf::ReachedCall& call : reach.calls) {
      if (around.observed.contains(call.syscall) ||
          around.answered.contains(call.syscall) || call.chain.empty()) {
        continue;
      }
      Candidate made = candidate_of(
          reach, call, scorer.terms(call, programs.at(call.syscall).size()),
          granted, around.risks);
      const auto [it, fresh] = best.try_emplace(call.syscall, made);
      if (!fresh && made.score > it->second.score) {
        it->second = std::move(made);
      }
    }
  }
  std::vector<Candidate> ranked;
  for (auto& [syscall, candidate] : best) {
    for (const std::string& program : programs.at(syscall)) {
      if (program != candidate.program) {
        candidate.also_in.push_back(program);
      }
    }
    ranked.push_back(std::move(candidate));
  }
  return in_order(std::move(ranked));
}

}  // namespace vambrace::review
