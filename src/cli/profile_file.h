#pragma once

#include <string>

#include "base/files.h"
#include "policy/seccomp/profile.h"
#include "runtime/target.h"

namespace vambrace::cli {

// A seccomp profile that a command was given, and what it is for.
struct ProfileFile {
  std::string path;
  policy::seccomp::Profile profile;
  runtime::Target target;
};

// `path`: a profile, or a folder with a seccomp.json. `target`: one of
// runtime::target_names(); empty: what the folder's bundle.yaml says, and
// docker where there is none.
Result<ProfileFile> read_profile(const Files& files, const std::string& path,
                                 const std::string& target);

}  // namespace vambrace::cli
