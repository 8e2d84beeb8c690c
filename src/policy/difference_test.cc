#include "policy/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/samples.h"
#include "policy/seccomp/render.h"
#include "policy/synthesize.h"

namespace vambrace::policy {
namespace {

using sample::fact;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

seccomp::Evaluator rendered(std::vector<evidence::SyscallFact> facts,
                            Stage stage = Stage::Harden) {
  const runtime::Target target = runtime::target_named("docker").value();
  const Policy policy =
      synthesize(sample::evidence_of({sample::process(std::move(facts))}))
          .value();
  return seccomp::Evaluator::of(
             seccomp::render(policy, target, stage).value().profile, target)
      .value();
}

const std::set<std::uint32_t> kNone;

Difference between(const seccomp::Evaluator& left,
                   const seccomp::Evaluator& right) {
  return difference({left, kNone}, {right, kNone}).value();
}

TEST(Difference, EqualPoliciesHaveNone) {
  const auto one = rendered({fact("read"), fact("socket", {{1, 1, 0}})});
  EXPECT_TRUE(between(one, one).none());
}

TEST(Difference, ACallOfOneSideIsNamedThereAlone) {
  const Difference found = between(rendered({fact("read")}),
                                   rendered({fact("read"), fact("splice")}));
  EXPECT_THAT(found.only_left, IsEmpty());
  EXPECT_THAT(found.otherwise, IsEmpty());
  ASSERT_THAT(found.only_right, SizeIs(1));
  EXPECT_EQ(found.only_right[0].call, "x86_64 splice");
  EXPECT_THAT(found.only_right[0].when, IsEmpty());
}

TEST(Difference, ArgumentsOfOneSideAreTold) {
  const Difference found = between(rendered({fact("bpf", {{1}, {2}})}),
                                   rendered({fact("bpf", {{2}, {3}})}));
  ASSERT_THAT(found.only_left, SizeIs(1));
  EXPECT_THAT(found.only_left[0].when, ElementsAre("arg0 == 0x1"));
  ASSERT_THAT(found.only_right, SizeIs(1));
  EXPECT_THAT(found.only_right[0].when, ElementsAre("arg0 == 0x3"));
  EXPECT_EQ(found.only_right[0].example[0] & 0xffffffff, 3U);
}

TEST(Difference, AnyArgumentsAreMoreThanSome) {
  const Difference found =
      between(rendered({fact("bpf")}), rendered({fact("bpf", {{2}})}));
  ASSERT_THAT(found.only_left, SizeIs(1));
  EXPECT_THAT(found.only_left[0].when, IsEmpty());
  EXPECT_THAT(found.only_right, IsEmpty());
}

TEST(Difference, AnotherErrnoIsADifferenceOfItsOwn) {
  const Difference found = between(
      rendered({fact("read")}),
      rendered({fact("read"), fact("mincore", sample::failed(1, "ENOSYS"))}));
  EXPECT_THAT(found.only_left, IsEmpty());
  EXPECT_THAT(found.only_right, IsEmpty());
  ASSERT_THAT(found.otherwise, SizeIs(1));
  EXPECT_EQ(found.otherwise[0].call, "x86_64 mincore");
}

TEST(Difference, ALoggedCallIsLetThrough) {
  const Difference found = between(rendered({fact("read")}),
                                   rendered({fact("read")}, Stage::Observe));
  EXPECT_THAT(found.only_left, IsEmpty());
  EXPECT_GT(found.only_right.size(), 100U);
}

TEST(Difference, CapabilitiesAreComparedAsSets) {
  const auto one = rendered({fact("read")});
  const std::set<std::uint32_t> left = {1, 2};
  const std::set<std::uint32_t> right = {2, 3};
  const Difference found = difference({one, left}, {one, right}).value();
  EXPECT_THAT(found.capabilities_left, ElementsAre(1));
  EXPECT_THAT(found.capabilities_right, ElementsAre(3));
  EXPECT_FALSE(found.none());
}

}  // namespace
}  // namespace vambrace::policy
