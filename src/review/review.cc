#include "review/review.h"

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

}  // namespace vambrace::review
