#include "cli/profile_file.h"

#include "cli/file_kind.h"
#include "repository/bundle.h"

namespace vambrace::cli {

Result<ProfileFile> read_profile(const Files& files, const std::string& path,
                                 const std::string& target) {
  ProfileFile out{.path = path, .profile = {}, .target = {}};
  if (files.is_directory(path)) {
    out.path += "/seccomp.json";
  }
  if (target.empty() && files.exists(path + "/bundle.yaml")) {
    TRY_ASSIGN(const repository::Manifest manifest,
               repository::load_manifest(files, path));
    out.target = manifest.target;
  } else if (!target.empty()) {
    const std::optional<runtime::Target> named = runtime::target_named(target);
    if (!named) {
      return fail(ErrorCode::InvalidInput, "unknown target \"{}\"", target);
    }
    out.target = *named;
  }
  constexpr std::uint64_t kLimit = policy::seccomp::kMaxProfileBytes;
  const auto text = out.path == path ? files.read(out.path, kLimit)
                                     : read_regular(files, out.path, kLimit);
  if (!text) {
    return std::unexpected(
        wrong_kind(files, path, Wanted::Profile, text.error()));
  }
  auto profile = during(out.path, policy::seccomp::parse(*text));
  if (!profile) {
    return std::unexpected(wrong_kind(files, out.path, Wanted::Profile,
                                      std::move(profile.error())));
  }
  out.profile = std::move(*profile);
  return out;
}

}  // namespace vambrace::cli
