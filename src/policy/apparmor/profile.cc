#include "policy/apparmor/profile.h"

#include <algorithm>

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

std::vector<const FileRule*> file_rules(const Rules& rules) {
  std::vector<const FileRule*> out;
  for (const FileRule& rule : rules.files) {
    out.push_back(&rule);
  }
  for (const Include& include : rules.includes) {
    for (const FileRule& rule : include.rules) {
      out.push_back(&rule);
    }
  }
  return out;
}

const Include* include_of(const Rules& rules, const FileRule& rule) {
  const auto found =
      std::ranges::find_if(rules.includes, [&](const Include& include) {
        return std::ranges::any_of(
            include.rules, [&](const FileRule& one) { return &one == &rule; });
      });
  return found == rules.includes.end() ? nullptr : &*found;
}

MountKind mount_kind(std::string_view operation) {
  return operation == "remount"      ? MountKind::Remount
         : operation == "umount"     ? MountKind::Umount
         : operation == "pivot_root" ? MountKind::PivotRoot
                                     : MountKind::Mount;
}

}  // namespace vambrace::policy::apparmor
