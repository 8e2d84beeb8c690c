#include "policy/apparmor/profile.h"

namespace vambrace::policy::apparmor {

Mode mode_of(Stage stage) {
  return stage == Stage::Harden ? Mode::Enforce : Mode::Complain;
}

std::string_view letters(Exec exec) {
  switch (exec) {
    case Exec::Inherit:
      return "ix";
    case Exec::Profile:
      return "px";
    case Exec::Child:
      return "cx";
    case Exec::ProfileOrInherit:
      return "pix";
    case Exec::ChildOrInherit:
      return "cix";
    case Exec::None:
      break;
  }
  return "";
}

}  // namespace vambrace::policy::apparmor
