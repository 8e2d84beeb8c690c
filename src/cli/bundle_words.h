#pragma once

#include <set>
#include <string>

#include "base/files.h"
#include "policy/replay.h"
#include "repository/bundle.h"

namespace vambrace::cli {

// A bundle whose rendered layers have been read.
struct Loaded : repository::Bundle {
  policy::seccomp::Profile profile;
  std::set<std::uint32_t> granted;

  // Borrows: the bundle must outlive it.
  policy::Rendering rendering() const {
    return {.policy = policy,
            .profile = profile,
            .target = manifest.target,
            .capabilities = granted,
            .stage = manifest.stage};
  }
};

// Errors name the file. InvalidInput if the layers were rendered for another
// target or stage than bundle.yaml says now.
Result<Loaded> load(const Files& files, const std::string& directory);

// "/usr/sbin/nginx (app)", "/bin/busybox [cat] (helper)".
std::string process_text(const evidence::ProcessKey& key);

// "EPERM", "logged now, refused in harden".
std::string outcome_text(policy::seccomp::Outcome outcome);

}  // namespace vambrace::cli
