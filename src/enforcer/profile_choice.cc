#include "enforcer/profile_choice.h"

#include "enforcer/apparmor/kernel.h"

namespace vambrace::enforcer {

Result<ProfileChoice> choose_profile(const Files& files, const Dress& dress) {
  if (dress.target.apparmor == false) {
    return ProfileChoice{.why_not = "bundle.yaml says apparmor: false"};
  }
  if (!dress.apparmor.profile) {
    return ProfileChoice{
        .why_not = "the bundle has no profile: its evidence tells no file"};
  }
  if (!dress.target.apparmor &&
      dress.target.runtime != runtime::Runtime::Process) {
    return ProfileChoice{
        .why_not = "bundle.yaml does not say apparmor: true under target"};
  }
  if (apparmor::is_enabled(files)) {
    return ProfileChoice{.on = true};
  }
  if (dress.target.apparmor == true) {
    return std::unexpected(
        Error(ErrorCode::Unsupported,
              "bundle.yaml says apparmor: true, and this kernel runs without "
              "AppArmor")
            .with_hint("another host; or leave the line out under target, "
                       "which uses the profile where there is AppArmor"));
  }
  return ProfileChoice{.why_not = "this kernel runs without AppArmor"};
}

}  // namespace vambrace::enforcer
