#include "enforcer/dress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/capabilities.h"

namespace vambrace::enforcer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kSysAdmin = 21;

// A bundle for Docker that was granted CAP_SYS_ADMIN until the end of June.
repository::Bundle bundle() {
  repository::Bundle bundle;
  bundle.directory = "/b";
  bundle.manifest.target = *runtime::target_named("docker");
  bundle.manifest.waivers = {{.what = "capability CAP_SYS_ADMIN",
                              .who = "ada",
                              .why = "mounts its own disks",
                              .until = "2026-06-30"}};
  bundle.policy.arches = {kernel::Arch::X86_64};
  bundle.policy.capabilities = {
      {.number = kSysAdmin, .uses = {"mount (x)"}, .reasons = {}}};
  bundle.rendered["seccomp.json"] = R"({"defaultAction": "SCMP_ACT_ERRNO",
      "architectures": ["SCMP_ARCH_X86_64"], "syscalls": []})";
  bundle.capabilities = {kSysAdmin};
  return bundle;
}

TEST(Dress, AnEndedWaiverGrantsNothingToWhatIsRenderedNow) {
  const auto before = dress(bundle(), {.target = "runc", .day = "2026-06-30"});
  ASSERT_TRUE(before) << before.error().message();
  EXPECT_THAT(before->armour.capabilities, ElementsAre(kSysAdmin));
  const auto after = dress(bundle(), {.target = "runc", .day = "2026-07-01"});
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_TRUE(after->rendered);
  EXPECT_THAT(after->armour.capabilities, IsEmpty());
}

TEST(Dress, TheBundlesOwnFilesStayAndTheEndedWaiverIsSaid) {
  const auto before = dress(bundle(), {.day = "2026-06-30"});
  ASSERT_TRUE(before) << before.error().message();
  EXPECT_THAT(before->lapsed, IsEmpty());
  const auto after = dress(bundle(), {.day = "2026-07-01"});
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_THAT(after->armour.capabilities, ElementsAre(kSysAdmin));
  EXPECT_THAT(after->lapsed, ElementsAre(kSysAdmin));
}

TEST(Dress, AnotherStageKeepsTheCalibrationThatTheBundleHolds) {
  repository::Bundle calibrated = bundle();
  runtime::RuntimeLayer layer;
  layer.start = {{.name = "splice"}};
  calibrated.layers[runtime::Runtime::Runc] = {layer};
  const Choice observe{.stage = policy::Stage::Allow, .day = "2026-06-30"};
  EXPECT_THAT(dress(calibrated, observe).value().armour.seccomp_json,
              testing::HasSubstr("\"splice\""));
  EXPECT_THAT(dress(bundle(), observe).value().armour.seccomp_json,
              testing::Not(testing::HasSubstr("\"splice\"")));
}

}  // namespace
}  // namespace vambrace::enforcer
