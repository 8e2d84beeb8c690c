#include "policy/stage.h"

namespace vambrace::policy {

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::Observe:
      return "observe";
    case Stage::Allow:
      return "allow";
    case Stage::Harden:
      return "harden";
  }
  return "harden";
}

std::optional<Stage> stage_from(std::string_view name) {
  for (const Stage stage : {Stage::Observe, Stage::Allow, Stage::Harden}) {
    if (to_string(stage) == name) {
      return stage;
    }
  }
  return std::nullopt;
}

}  // namespace vambrace::policy
