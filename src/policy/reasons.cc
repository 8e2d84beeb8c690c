#include "policy/reasons.h"

#include <algorithm>

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
  }
  std::ranges::sort(list);
  return list;
}

}  // namespace vambrace::policy
