#include "policy/reasons.h"

#include <algorithm>

#include "evidence/span.h"

namespace vambrace::policy {

bool counts(evidence::Origin origin) {
  using evidence::Origin;
  return origin == Origin::App || origin == Origin::Helper ||
         origin == Origin::Probe;
}

void Reasons::add(Cause cause, const evidence::ProcessKey& key,
                  const evidence::Share& share, std::string note) {
  Reason reason{.cause = cause,
                .exe = key.exe,
                .script = key.script,
                .origin = key.origin,
                .note = std::move(note)};
  for (const auto& [phase, count] : share.phases) {
    reason.phases.insert(phase);
  }
  add(std::move(reason));
}

void Reasons::add(Reason reason) {
  const std::set<std::string> phases = std::exchange(reason.phases, {});
  phases_[std::move(reason)].insert(phases.begin(), phases.end());
}

std::vector<Reason> Reasons::sorted() const {
  std::vector<Reason> list;
  for (const auto& [reason, phases] : phases_) {
    list.push_back(reason);
    list.back().phases = phases;
    // Whether a common call is also seen at the border of two tests is chance:
    // it must not change the policy of the same behavior.
    if (phases.size() > 1) {
      list.back().phases.erase(std::string(evidence::kAcrossTests));
    }
  }
  std::ranges::sort(list);
  return list;
}

void merge(std::vector<Reason>& to, const std::vector<Reason>& more) {
  Reasons all;
  for (const auto* list : {&std::as_const(to), &more}) {
    for (const Reason& reason : *list) {
      all.add(reason);
    }
  }
  to = all.sorted();
}

}  // namespace vambrace::policy
