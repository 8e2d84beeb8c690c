#include "enforcer/judgement.h"

#include <algorithm>

namespace vambrace::enforcer {
namespace {

// Gaps behind which a refused call could hide. A lost hint is none of them: the
// tables are the truth.
constexpr std::string_view kLosses[] = {"map_full", "storage_refused",
                                        "recursion_missed", "no_exit_probe",
                                        "scope_lost"};

}  // namespace

Judgement judge(int status, const Report& report,
                const std::vector<evidence::Evidence>& trial,
                const apparmor::Watched& watched, const policy::Policy& policy,
                const std::set<std::uint32_t>& granted,
                const evidence::Evidence& recorded) {
  Judgement judgement{.status = status,
                      .started = report.started,
                      .failures = report.failures,
                      .losses = watched.losses,
                      .profile = watched.profile,
                      .unproved = watched.why_not,
                      .kept = watched.kept};
  for (const evidence::Evidence& evidence : trial) {
    for (Denial& denial : denials(evidence, policy, granted, recorded)) {
      (denial.expected ? judgement.expected : judgement.unexpected)
          .push_back(std::move(denial));
    }
    for (const evidence::Recording& recording : evidence.recordings) {
      for (const evidence::Gap& gap : recording.verdict.gaps) {
        if (std::ranges::find(kLosses, gap.kind) != std::end(kLosses)) {
          judgement.losses.push_back(gap.kind + ": " + gap.detail);
        }
      }
    }
  }
  for (Denial& denial : denials(watched)) {
    (denial.expected ? judgement.expected : judgement.unexpected)
        .push_back(std::move(denial));
  }
  return judgement;
}

}  // namespace vambrace::enforcer
