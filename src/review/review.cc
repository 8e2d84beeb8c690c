#include "review/review.h"

#include <algorithm>

namespace vambrace::review {

std::string_view to_string(Layer layer) {
  switch (layer) {
    case Layer::Seccomp:
      return "seccomp";
    case Layer::AppArmor:
      return "apparmor";
    case Layer::Capabilities:
      return "capabilities";
  }
  return "seccomp";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::App:
      return "app";
    case Role::Helper:
      return "helper";
    case Role::Probe:
      return "probe";
    case Role::Runtime:
      return "runtime";
    case Role::Closure:
      return "closure";
    case Role::Always:
      return "always";
    case Role::Decision:
      return "decision";
  }
  return "app";
}

std::string_view to_string(Trait trait) {
  switch (trait) {
    case Trait::Rare:
      return "rare";
    case Trait::OneRecording:
      return "one-recording";
    case Trait::OnePhase:
      return "one-phase";
    case Trait::StartupOnly:
      return "startup-only";
    case Trait::HelperOnly:
      return "helper-only";
    case Trait::RuntimeOnly:
      return "runtime-only";
    case Trait::Unobserved:
      return "unobserved";
  }
  return "rare";
}

std::vector<Offer> nothing_new(std::span<const Candidate> candidates) {
  std::vector<Offer> offers;
  for (const Candidate& candidate : candidates) {
    if (!candidate.opened_by.empty() && !candidate.decision &&
        std::ranges::find(offers, candidate.subject, &Offer::subject) ==
            offers.end()) {
      offers.push_back({candidate.subject, candidate.opened_by.front()});
    }
  }
  return offers;
}

std::vector<std::span<const Candidate>> by_rank(
    std::span<const Candidate> candidates) {
  std::vector<std::span<const Candidate>> out;
  while (!candidates.empty()) {
    const auto end = std::ranges::find_if(candidates, [&](const auto& one) {
      return one.rank != candidates.front().rank;
    });
    const auto size = static_cast<std::size_t>(end - candidates.begin());
    out.push_back(candidates.first(size));
    candidates = candidates.subspan(size);
  }
  return out;
}

}  // namespace vambrace::review
