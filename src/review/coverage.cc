#include "review/coverage.h"

#include <algorithm>

#include "evidence/span.h"
#include "evidence/time.h"
#include "policy/reasons.h"

namespace vambrace::review {
namespace {

using Calls = std::set<kernel::Syscall>;

// What was seen, once for each way in which it is counted.
struct Seen {
  Calls all;
  std::map<std::string, Calls> by_program;  // by file
  std::map<std::string, Calls> by_phase;
  std::map<std::string, Calls> by_recording;  // by id
};

Seen seen_in(const evidence::Evidence& evidence) {
  Seen seen;
  for (const evidence::Process& process : evidence.processes) {
    if (!policy::counts(process.key.origin)) {
      continue;
    }
    for (const evidence::SyscallFact& fact : process.syscalls) {
      for (const auto& [recording, share] : fact.by) {
        if (share.count == 0) {
          continue;
        }
        seen.all.insert(fact.syscall);
        seen.by_program[process.key.exe].insert(fact.syscall);
        seen.by_recording[recording].insert(fact.syscall);
        for (const auto& [phase, count] : share.phases) {
          seen.by_phase[phase].insert(fact.syscall);
        }
      }
    }
  }
  return seen;
}

Calls calls_of(const elf::Reach& reach) {
  Calls calls;
  for (const elf::ReachedCall& call : reach.calls) {
    calls.insert(call.syscall);
  }
  return calls;
}

std::uint64_t common(const Calls& one, const Calls& other) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      one, [&](kernel::Syscall call) { return other.contains(call); }));
}

FileCoverage coverage_of(const elf::LoadedFile& file, kernel::Arch arch,
                         const Calls& observed) {
  FileCoverage made{.path = file.path,
                    .why = file.why,
                    .calls = {.reachable = file.syscalls.size()},
                    .functions = file.functions,
                    .reached_functions = file.reached_functions};
  for (const std::string& name : file.syscalls) {
    const auto nr = kernel::syscall_number(arch, name);
    if (nr && observed.contains({arch, *nr})) {
      ++made.calls.observed;
    } else {
      made.unobserved.push_back(name);
    }
  }
  std::ranges::sort(made.unobserved);
  return made;
}

ProgramCoverage coverage_of(const elf::Reach& reach, const Calls& observed) {
  const Calls reachable = calls_of(reach);
  ProgramCoverage made{.program = reach.program,
                       .calls = {.observed = common(observed, reachable),
                                 .reachable = reachable.size()}};
  for (const elf::LoadedFile& file : reach.files) {
    made.files.push_back(coverage_of(file, reach.arch, observed));
  }
  for (const kernel::Syscall call : observed) {
    // After a signal the kernel has it called; no program needs to hold it.
    const bool by_kernel = kernel::syscall_name(call) == "restart_syscall";
    if (call.arch == reach.arch && !reachable.contains(call) && !by_kernel) {
      made.outside.push_back(kernel::syscall_label(call));
    }
  }
  std::ranges::sort(made.outside);
  return made;
}

std::vector<ProgramCoverage> programs_of(std::span<const elf::Reach> reaches,
                                         const Seen& seen) {
  static const Calls kNothing;
  std::vector<ProgramCoverage> programs;
  std::set<std::string> analyzed;
  for (const elf::Reach& reach : reaches) {
    const auto observed = seen.by_program.find(reach.program);
    analyzed.insert(reach.program);
    programs.push_back(coverage_of(reach, observed == seen.by_program.end()
                                              ? kNothing
                                              : observed->second));
  }
  for (const auto& [program, observed] : seen.by_program) {
    if (!analyzed.contains(program)) {
      programs.push_back(
          {.program = program, .calls = {.observed = observed.size()}});
    }
  }
  std::ranges::sort(programs, {}, &ProgramCoverage::program);
  return programs;
}

// Of all programs: unknown as long as one of them is.
Ratio total_of(std::span<const elf::Reach> reaches,
               const std::vector<ProgramCoverage>& programs, const Seen& seen) {
  Calls reachable;
  for (const elf::Reach& reach : reaches) {
    reachable.merge(calls_of(reach));
  }
  const bool known = !programs.empty() &&
                     std::ranges::all_of(programs, [](const auto& program) {
                       return program.calls.reachable.has_value();
                     });
  if (!known) {
    return {.observed = seen.all.size()};
  }
  return {.observed = common(seen.all, reachable),
          .reachable = reachable.size()};
}

std::vector<PhaseCoverage> phases_of(const Seen& seen) {
  std::map<kernel::Syscall, std::uint64_t> in_phases;
  for (const auto& [phase, calls] : seen.by_phase) {
    for (const kernel::Syscall call : calls) {
      ++in_phases[call];
    }
  }
  std::vector<PhaseCoverage> phases;
  for (const auto& [phase, calls] : seen.by_phase) {
    const auto alone = std::ranges::count_if(
        calls, [&](kernel::Syscall call) { return in_phases.at(call) == 1; });
    phases.push_back({.phase = phase,
                      .calls = calls.size(),
                      .only_here = static_cast<std::uint64_t>(alone)});
  }
  return phases;
}

struct Step {
  std::string name;
  std::string start;
  const Calls* calls = nullptr;
};

// Recordings by their start.
std::vector<Step> recordings_in_order(const evidence::Evidence& evidence,
                                      const Seen& seen) {
  std::vector<const evidence::Recording*> order;
  for (const evidence::Recording& recording : evidence.recordings) {
    order.push_back(&recording);
  }
  std::ranges::stable_sort(order, {}, &evidence::Recording::start);
  static const Calls kNothing;
  std::vector<Step> steps;
  for (const evidence::Recording* recording : order) {
    const auto calls = seen.by_recording.find(recording->id);
    steps.push_back(
        {recording->id, evidence::format_time(recording->start),
         calls == seen.by_recording.end() ? &kNothing : &calls->second});
  }
  return steps;
}

// The phases of one recording by their beginning, then those that it does not
// list.
std::vector<Step> phases_in_order(const evidence::Recording& recording,
                                  const Seen& seen) {
  std::vector<Step> steps;
  std::set<std::string> told{std::string(evidence::kAcrossTests)};
  const auto add = [&](const std::string& phase) {
    const auto calls = seen.by_phase.find(phase);
    if (calls != seen.by_phase.end() && told.insert(phase).second) {
      steps.push_back({phase, "", &calls->second});
    }
  };
  for (const evidence::Phase& phase : recording.phases) {
    add(phase.name);
  }
  for (const auto& [phase, calls] : seen.by_phase) {
    add(phase);
  }
  return steps;
}

std::vector<GrowthStep> growth_of(const std::vector<Step>& steps) {
  std::vector<GrowthStep> growth;
  Calls all;
  for (const Step& step : steps) {
    const std::size_t before = all.size();
    all.insert(step.calls->begin(), step.calls->end());
    growth.push_back({.name = step.name,
                      .start = step.start,
                      .added = all.size() - before,
                      .total = all.size()});
  }
  return growth;
}

// Calls that are still to be seen, at least: A. Chao, "Estimating the
// population size for capture-recapture data with unequal catchability",
// Biometrics 43 (1987), in the form that needs no call seen twice.
std::uint64_t chao(std::uint64_t steps, std::uint64_t once,
                   std::uint64_t twice) {
  if (once < 2) {
    return 0;
  }
  return (steps - 1) * once * (once - 1) / (2 * (twice + 1) * steps);
}

// Phases that no test marks (startup, serving) are no repetitions of each
// other, so more of them are asked for.
Outlook outlook_of(const std::vector<Step>& steps, std::string_view unit) {
  const std::size_t fewest = unit == "phase" ? 3 : 2;
  std::map<kernel::Syscall, std::uint64_t> in_steps;
  for (const Step& step : steps) {
    for (const kernel::Syscall call : *step.calls) {
      ++in_steps[call];
    }
  }
  Outlook outlook;
  for (const auto& [call, count] : in_steps) {
    outlook.once += count == 1;
    outlook.twice += count == 2;
  }
  if (steps.size() < fewest) {
    outlook.worth = "unknown";
    outlook.why = "too few runs to tell what the next would add";
    return outlook;
  }
  outlook.expected = chao(steps.size(), outlook.once, outlook.twice);
  outlook.worth = *outlook.expected > 0 ? "yes" : "no";
  outlook.why = fmt::format(
      "{} of {} calls {} seen in one {} alone: {}", outlook.once,
      in_steps.size(), outlook.once == 1 ? "was" : "were", unit,
      *outlook.expected > 0
          ? fmt::format("more runs of the same kind would show at least {} "
                        "more",
                        *outlook.expected)
          : "more runs of the same kind would show few others, if any; a run "
            "of another kind still may");
  return outlook;
}

}  // namespace

Coverage coverage_of(const evidence::Evidence& evidence,
                     std::span<const elf::Reach> reaches) {
  const Seen seen = seen_in(evidence);
  Coverage coverage;
  coverage.programs = programs_of(reaches, seen);
  coverage.calls = total_of(reaches, coverage.programs, seen);
  coverage.phases = phases_of(seen);
  const bool by_phase = evidence.recordings.size() == 1;
  coverage.growth_by = by_phase ? "phase" : "recording";
  const std::vector<Step> steps =
      by_phase ? phases_in_order(evidence.recordings.front(), seen)
               : recordings_in_order(evidence, seen);
  coverage.growth = growth_of(steps);
  coverage.outlook = outlook_of(steps, coverage.growth_by);
  return coverage;
}

}  // namespace vambrace::review
