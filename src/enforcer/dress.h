#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "enforcer/armour.h"
#include "policy/apparmor/render.h"
#include "policy/seccomp/profile.h"
#include "policy/stage.h"
#include "repository/bundle.h"
#include "runtime/target.h"

namespace vambrace::enforcer {

// What to apply of a bundle, where it differs from what the bundle says.
struct Choice {
  std::string target;  // a name; empty: the bundle's
  std::optional<policy::Stage> stage;
  std::set<std::uint32_t> without;  // capabilities left out, to try
  std::string day;                  // 2026-12-31: which waivers still hold
};

// A bundle made ready for one target and stage.
struct Dress {
  runtime::Target target;
  policy::Stage stage = policy::Stage::Harden;
  Armour armour;  // seccomp_path is empty if `rendered`
  policy::seccomp::Profile profile;
  policy::apparmor::Rendered apparmor;
  // Another target or stage than the bundle's: rendered now, not yet a file.
  bool rendered = false;
  // Files of the bundle that are not what its policy renders to: nobody
  // reviewed what they say. Empty if `rendered`.
  std::vector<std::string> edited;
  // Capabilities in the bundle's files whose waiver has ended since.
  std::set<std::uint32_t> lapsed;
};

// The bundle's own rendered layers where target and stage are its own,
// otherwise rendered anew from its policy. NotFound for an unknown target.
//
// A waiver that has ended grants nothing to what is rendered now. The bundle's
// own files stay as they were admitted: a restart must not turn into an outage
// at midnight. `lapsed` says so.
Result<Dress> dress(const repository::Bundle& bundle, const Choice& choice);

}  // namespace vambrace::enforcer
