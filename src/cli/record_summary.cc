#include <array>

#include "base/json.h"
#include "base/printable.h"
#include "cli/columns.h"
#include "cli/record_words.h"
#include "evidence/evidence.h"
#include "evidence/gaps.h"
#include "evidence/json.h"
#include "evidence/merge.h"
#include "policy/capabilities/reduce.h"

namespace vambrace::cli {
namespace {

using evidence::Evidence;
using evidence::Origin;
using evidence::Process;

struct Totals {
  std::set<kernel::Syscall> calls;
  std::uint64_t count = 0;
  std::uint64_t denied = 0;
  std::set<std::string_view> files;
  policy::capabilities::Reduced needs;
};

bool counts(const Process& process) {
  return process.key.origin != Origin::Harness &&
         process.key.origin != Origin::Runtime;
}

Totals totals_of(const Evidence& evidence) {
  Totals totals;
  totals.needs = policy::capabilities::reduce(evidence, /*heal=*/false);
  for (const Process& process : evidence.processes) {
    if (!counts(process)) {
      continue;
    }
    for (const auto& fact : process.syscalls) {
      const evidence::Share share = evidence::total(fact.by);
      totals.calls.insert(fact.syscall);
      totals.count += share.count;
      totals.denied += share.denied;
    }
    totals.files.merge(evidence::paths_in(process));
  }
  return totals;
}

std::string name_of(const Process& process) {
  const std::string exe =
      process.key.exe.substr(process.key.exe.rfind('/') + 1);
  return process.key.script.empty() ? exe
                                    : exe + " (" + process.key.script + ")";
}

// Programs that usually drive a workload rather than being one.
bool drives(const Process& process) {
  constexpr std::array<std::string_view, 14> kDrivers = {
      "dash", "bash", "sh",   "zsh", "curl",   "wget",
      "wrk",  "ab",   "make", "nc",  "pytest", "redis-benchmark",
      "hey",  "ctest"};
  const std::string exe =
      process.key.exe.substr(process.key.exe.rfind('/') + 1);
  return std::any_of(kDrivers.begin(), kDrivers.end(),
                     [&](std::string_view name) {
                       return exe == name || process.key.script.ends_with(name);
                     });
}

void add_processes(std::string& text, const Evidence& evidence) {
  std::map<Origin, std::set<std::string>> names;
  bool has_driver = false;
  for (const Process& process : evidence.processes) {
    names[process.key.origin].insert(name_of(process));
    has_driver = has_driver || (counts(process) && drives(process));
  }
  for (const auto& [origin, programs] : names) {
    std::string list = printable(fmt::format("{}", fmt::join(programs, ", ")));
    if (list.size() > 100) {
      list = list.substr(0, 97) + "...";
    }
    text += fmt::format("  {:<8} {}\n", to_string(origin), list);
  }
  if (has_driver && !names.contains(Origin::Harness)) {
    text +=
        "  warning: shells, test runners or clients are part of this "
        "workload;\n"
        "           name the program itself with --workload EXE\n";
  }
}

void add_emptiness(std::string& text, const Evidence& evidence) {
  if (evidence::has_application(evidence)) {
    return;
  }
  text +=
      "  nothing was seen of the workload itself: no policy can come of it\n";
  const bool has_harness =
      std::ranges::any_of(evidence.processes, [](const Process& process) {
        return process.key.origin == Origin::Harness;
      });
  text += has_harness
              ? "  hint: the programs above ran; name the one that is the "
                "workload with\n        --workload NAME or its path, a "
                "container with --workload container:NAME\n"
              : "  hint: drive the workload while it is recorded\n";
}

void add_tests(std::string& text, const RecordedTests& tests) {
  if (!tests.asked) {
    return;
  }
  text += fmt::format("tests: {} are phases of the recording\n",
                      tests.placed.size());
  constexpr std::size_t kShown = 8;
  for (std::size_t i = 0; i < std::min(kShown, tests.lost.size()); ++i) {
    text += fmt::format("  not placed: {}\n", printable(tests.lost[i]));
  }
  if (tests.lost.size() > kShown) {
    text += fmt::format("  ... and {} more\n", tests.lost.size() - kShown);
  }
}

}  // namespace

std::string left_over_text(
    const std::vector<recorder::ebpf::Known>& recordings) {
  std::string out;
  for (const recorder::ebpf::Known& known : recordings) {
    if (known.standing == recorder::ebpf::Standing::LeftOver) {
      out += fmt::format(
          "note: recording {0:.8} ({1}) was left by a recorder that is gone "
          "and still slows every system call; end it: vambrace stop {0:.8}\n",
          known.id, printable(known.about));
    }
  }
  return out;
}

std::string left_behind_text(const Error& error) {
  return fmt::format(
      "note: some of the recorder stays in the kernel and slows every system "
      "call: {}\nhint: {}\n",
      error.message(), error.hint());
}

std::string progress_line(const recorder::Progress& seen,
                          const recorder::Progress& before) {
  const auto seconds = seen.elapsed.count() / 1000;
  if (seen.waiting) {
    return fmt::format(
        "\r\033[Kwaiting {:02}:{:02}  for the first process of the cgroup; "
        "Ctrl-C ends",
        seconds / 60, seconds % 60);
  }
  const auto since = std::max<std::int64_t>(
      (seen.elapsed - before.elapsed).count(), std::int64_t{1});
  const std::uint64_t fresh =
      seen.distinct_facts -
      std::min(before.distinct_facts, seen.distinct_facts);
  // A line that wraps could not be overwritten.
  constexpr std::size_t kPhaseColumns = 16;
  std::string line = fmt::format(
      "\r\033[Krecording {:02}:{:02}  phase {}  {} facts, {}/s new, last {} s "
      "ago",
      seconds / 60, seconds % 60,
      printable(seen.phase.substr(0, kPhaseColumns)), seen.distinct_facts,
      fresh * 1000 / static_cast<std::uint64_t>(since),
      seen.since_new_fact.count() / 1000);
  if (seen.events_lost != 0) {
    line += fmt::format("  {} hints lost", seen.events_lost);
  }
  return line;
}

std::string summary_text(const std::vector<Evidence>& evidences,
                         const std::vector<std::string>& files,
                         std::optional<int> status,
                         const RecordedTests& tests) {
  std::string text;
  if (status.value_or(0) != 0) {
    text += fmt::format("the command failed with status {}\n", *status);
  }
  for (std::size_t i = 0; i < evidences.size(); ++i) {
    const Evidence& evidence = evidences[i];
    const Totals totals = totals_of(evidence);
    text += fmt::format(
        "{}: {} ({} made, {} refused), {} {} needed, {}\n",
        printable(evidence.workload.id),
        counted(totals.calls.size(), "system call"), totals.count,
        totals.denied, totals.needs.rules.size(),
        totals.needs.rules.size() == 1 ? "capability" : "capabilities",
        counted(totals.files.size(), "file"));
    add_processes(text, evidence);
    for (const policy::CapabilityNoise& noise : totals.needs.noise) {
      text += fmt::format("  noise    {}: {}\n",
                          evidence::capability_label(noise.number), noise.why);
    }
    add_emptiness(text, evidence);
    const evidence::Verdict& verdict = evidence.recordings.front().verdict;
    text += fmt::format("  verdict  {}\n", to_string(verdict.state));
    std::size_t shown = 0;
    for (const evidence::Gap& gap : verdict.gaps) {
      if (++shown > 12) {
        text += fmt::format("  gap      ... and {} more\n",
                            verdict.gaps.size() - 12);
        break;
      }
      text +=
          fmt::format("  gap      {}: {}\n", gap.kind, printable(gap.detail));
    }
    std::set<std::string_view> kinds;
    for (const evidence::Gap& gap : verdict.gaps) {
      if (kinds.insert(gap.kind).second) {
        text += fmt::format("  to do    {}: {}\n", gap.kind,
                            evidence::advice(gap.kind));
      }
    }
    text += fmt::format("  written  {}\n", printable(files[i]));
  }
  add_tests(text, tests);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!evidence::has_application(evidences[i])) {
      continue;
    }
    const std::string& id = evidences[i].workload.id;
    text += fmt::format(
        "next: vambrace synth {} -o {}/\n", printable(files[i]),
        files.size() == 1 ? "bundle" : printable(id.substr(id.rfind('/') + 1)));
  }
  return text;
}

std::string summary_json(const std::vector<Evidence>& evidences,
                         const std::vector<std::string>& files,
                         std::optional<int> status,
                         const RecordedTests& tests) {
  json::Value list = json::Value::array();
  for (std::size_t i = 0; i < evidences.size(); ++i) {
    const Evidence& evidence = evidences[i];
    const Totals totals = totals_of(evidence);
    json::Value gaps = json::Value::array();
    for (const auto& gap : evidence.recordings.front().verdict.gaps) {
      gaps.push_back({{"kind", gap.kind},
                      {"detail", json::quote_bytes(gap.detail)},
                      {"advice", std::string(evidence::advice(gap.kind))}});
    }
    list.push_back(
        {{"file", json::quote_bytes(files[i])},
         {"workload", json::quote_bytes(evidence.workload.id)},
         {"recording", evidence.recordings.front().id},
         {"syscalls", totals.calls.size()},
         {"calls", totals.count},
         {"denied", totals.denied},
         {"capabilities", totals.needs.rules.size()},
         {"noise", totals.needs.noise.size()},
         {"files", totals.files.size()},
         {"seen", evidence::has_application(evidence)},
         {"verdict",
          {{"state", to_string(evidence.recordings.front().verdict.state)},
           {"gaps", gaps}}}});
  }
  json::Value result = {{"schema", "vambrace.record/v1"}, {"evidence", list}};
  if (status) {
    result["status"] = *status;
  }
  if (tests.asked) {
    json::Value lost = json::Value::array();
    for (const std::string& line : tests.lost) {
      lost.push_back(printable(line));
    }
    result["tests"] = {{"placed", tests.placed.size()}, {"lost", lost}};
  }
  return json::print(result);
}

}  // namespace vambrace::cli
