#include "policy/container_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/samples.h"
#include "policy/seccomp/render.h"
#include "policy/synthesize.h"

namespace vambrace::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

// One side of a comparison, all of it.
struct Parts {
  securitycontext::SecurityContext context{
      .name = "web",
      .user = securitycontext::User{.uid = 0, .gid = 0},
      .calls = {"read"}};
  std::vector<std::string> volumes;
  std::optional<bool> apparmor;
  std::optional<apparmor::Profile> profile = apparmor::Profile{.name = "web"};
};

Difference between(const Parts& left, const Parts& right) {
  static const runtime::Target kTarget = *runtime::target_named("docker");
  static const seccomp::Evaluator kEvaluator =
      seccomp::Evaluator::of(
          seccomp::render(synthesize(sample::evidence_of({sample::process(
                                         {sample::fact("read")})}))
                              .value(),
                          kTarget, Stage::Harden)
              .value()
              .profile,
          kTarget)
          .value();
  static const std::set<std::uint32_t> kNone;
  const Surroundings one{left.context, left.volumes, left.apparmor};
  const Surroundings other{right.context, right.volumes, right.apparmor};
  return difference(
             {kEvaluator, kNone, left.profile ? &*left.profile : nullptr, &one},
             {kEvaluator, kNone, right.profile ? &*right.profile : nullptr,
              &other})
      .value();
}

// "kind name: left | right"
std::vector<std::string> settings(const Parts& left, const Parts& right) {
  const Difference found = between(left, right);
  EXPECT_EQ(found.none(), found.settings.empty());
  std::vector<std::string> out;
  for (const Setting& setting : found.settings) {
    out.push_back(fmt::format("{}{}{}: {} | {}", setting.kind,
                              setting.name.empty() ? "" : " ", setting.name,
                              setting.left, setting.right));
  }
  return out;
}

TEST(ContainerDifference, OneAndTheSameHasNone) {
  EXPECT_THAT(settings(Parts(), Parts()), IsEmpty());
}

TEST(ContainerDifference, NamesUserRootAndPrivileges) {
  Parts other;
  other.context.user = securitycontext::User{.uid = 33, .gid = 33};
  other.context.read_only_root = false;
  other.context.no_new_privs = false;
  EXPECT_THAT(settings(Parts(), other),
              ElementsAre("no_new_privs:  | off", "root:  | writable",
                          "user: 0:0 | 33:33"));
  other = Parts();
  other.context.user.reset();
  EXPECT_THAT(settings(other, Parts()), ElementsAre("user: the image's | 0:0"));
}

TEST(ContainerDifference, NamesWritableFolders) {
  Parts one;
  one.context.mounts = {{.folder = "/run"}, {.folder = "/srv"}};
  Parts other;
  other.context.mounts = {{.folder = "/run", .executable = true}};
  other.volumes = {"/srv"};
  EXPECT_THAT(
      settings(one, other),
      ElementsAre("folder /run: in memory, empty at each start | in memory, "
                  "empty at each start, programs may be run",
                  "folder /srv: in memory, empty at each start | a mount of "
                  "the container's own"));
  other.context.read_only_root = false;
  EXPECT_THAT(settings(one, other), ElementsAre("root:  | writable"));
}

TEST(ContainerDifference, AProfileThatRefusesNothingIsOne) {
  const Parts enforced;
  Parts other;
  other.profile->mode = apparmor::Mode::Complain;
  EXPECT_THAT(settings(enforced, other),
              ElementsAre(StartsWith("apparmor:  | permits and logs")));
  other.profile.reset();
  EXPECT_THAT(settings(enforced, other),
              ElementsAre("apparmor:  | refuses nothing: there is no profile"));
  other = Parts();
  other.apparmor = false;
  EXPECT_THAT(settings(enforced, other),
              ElementsAre(StartsWith("apparmor:  | refuses nothing: bundle")));
  other.apparmor = true;
  other.context.apparmor = "web";
  EXPECT_THAT(settings(enforced, other),
              ElementsAre("apparmor profile: engines are told of none | "
                          "engines are told of it"));
}

TEST(ContainerDifference, NamesCallsThatOnlySystemdRefuses) {
  Parts other;
  other.context.calls = {"clone3:ENOSYS", "read"};
  EXPECT_THAT(settings(Parts(), other),
              ElementsAre("systemd call clone3:  | ENOSYS"));
  other.context.stage = Stage::Observe;
  EXPECT_THAT(settings(Parts(), other), IsEmpty());
}

}  // namespace
}  // namespace vambrace::policy
