#include "enforcer/capability_plan.h"

#include <gtest/gtest.h>

namespace vambrace::enforcer {
namespace {

constexpr CapabilityMask kAll = (CapabilityMask{1} << 41) - 1;
constexpr CapabilityMask kBind = mask_of(10);
constexpr HeldCapabilities kRoot{
    .permitted = kAll, .bounding = kAll, .root = true};
constexpr HeldCapabilities kUser{
    .permitted = 0, .bounding = kAll, .root = false};

TEST(CapabilityPlan, LeavesRootExactlyThePolicysSet) {
  const CapabilityPlan plan = plan_capabilities(kBind, kRoot, true, false);
  EXPECT_EQ(plan.problem, CapabilityProblem::None);
  EXPECT_EQ(kAll & ~plan.drop_bounding, kBind);
  EXPECT_EQ(plan.until_exec, kBind);
  EXPECT_EQ(plan.inheritable, 0U);
  EXPECT_EQ(plan.ambient, 0U);
}

TEST(CapabilityPlan, KeepsSysAdminOnlyUntilTheExecveWithoutNoNewPrivs) {
  const CapabilityPlan plan = plan_capabilities(kBind, kRoot, false, false);
  EXPECT_EQ(plan.until_exec, kBind | kCapSysAdmin);
  // execve gives root what the bounding set holds, and that lacks it.
  EXPECT_NE(plan.drop_bounding & kCapSysAdmin, 0U);
  EXPECT_EQ(plan.ambient & kCapSysAdmin, 0U);
}

TEST(CapabilityPlan, GivesAnotherUserTheSetAsAmbient) {
  HeldCapabilities held = kRoot;
  held.root = false;
  const CapabilityPlan plan = plan_capabilities(kBind, held, true, false);
  EXPECT_EQ(plan.ambient, kBind);
  EXPECT_EQ(plan.inheritable, kBind);
}

TEST(CapabilityPlan, RefusesWhatIsNotHeld) {
  HeldCapabilities held = kRoot;
  held.permitted &= ~kBind;
  const CapabilityPlan plan = plan_capabilities(kBind, held, true, false);
  EXPECT_EQ(plan.problem, CapabilityProblem::Missing);
  EXPECT_EQ(plan.concerned, kBind);
}

TEST(CapabilityPlan, RefusesWhatTheBoundingSetNoLongerAllows) {
  HeldCapabilities held = kRoot;
  held.bounding &= ~kBind;
  EXPECT_EQ(plan_capabilities(kBind, held, true, false).problem,
            CapabilityProblem::Missing);
}

TEST(CapabilityPlan, TakesWhatIsHeldWhenLenient) {
  const CapabilityPlan plan = plan_capabilities(kBind, kUser, true, true);
  EXPECT_EQ(plan.problem, CapabilityProblem::None);
  EXPECT_EQ(plan.until_exec, 0U);
  EXPECT_EQ(plan.drop_bounding, 0U) << "needs CAP_SETPCAP";
}

TEST(CapabilityPlan, NeedsPrivilegeForAFilterWithoutNoNewPrivs) {
  EXPECT_EQ(plan_capabilities(0, kUser, false, true).problem,
            CapabilityProblem::FilterNeedsAdmin);
}

TEST(CapabilityPlan, InsistsOnCuttingTheBoundingSetWithoutNoNewPrivs) {
  HeldCapabilities held = kRoot;
  held.permitted &= ~kCapSetpcap;
  EXPECT_EQ(plan_capabilities(0, held, false, false).problem,
            CapabilityProblem::BoundingFixed);
}

}  // namespace
}  // namespace vambrace::enforcer
