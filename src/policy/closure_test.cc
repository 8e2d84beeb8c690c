#include "policy/closure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/arguments.h"
#include "policy/samples.h"
#include "policy/synthesize.h"

namespace vambrace::policy {
namespace {

using kernel::Arch;
using sample::call;
using sample::fact;

Policy closed(std::vector<evidence::SyscallFact> facts, Closures closures) {
  return synthesize(sample::evidence_of({sample::process(std::move(facts))}),
                    {.closures = closures})
      .value();
}

TEST(ResilientLibc, AddsTheOtherForms) {
  const Policy policy =
      closed({fact("openat"), fact("poll")}, {.resilient_libc = true});
  for (const char* name : {"open", "openat2", "ppoll"}) {
    ASSERT_NE(find_rule(policy, call(name)), nullptr) << name;
    EXPECT_EQ(find_rule(policy, call(name))->reasons.at(0).cause,
              Cause::Closure);
  }
  EXPECT_EQ(find_rule(policy, call("select")), nullptr);
}

TEST(ResilientLibc, KeepsNamespacesFenced) {
  const Policy policy = closed({fact("fork")}, {.resilient_libc = true});
  ASSERT_NE(find_rule(policy, call("clone")), nullptr);
  EXPECT_EQ(find_rule(policy, call("clone"))->args,
            (std::set<ArgTuple>{{{0, kCloneNamespaces, 0}}}));
}

TEST(ResilientLibc, SaysWhatItCosts) {
  const Policy policy = closed({fact("openat")}, {.resilient_libc = true});
  EXPECT_THAT(policy.findings,
              testing::Contains(testing::Field(&Finding::id, "closure")));
}

TEST(ArchAarch64, TranslatesOldFormsAndKeepsArguments) {
  const Policy policy =
      closed({fact("open"), fact("socket", {{1, 1, 0}})}, {.aarch64 = true});
  EXPECT_TRUE(policy.arches.contains(Arch::Aarch64));
  EXPECT_NE(find_rule(policy, call("openat", Arch::Aarch64)), nullptr);
  ASSERT_NE(find_rule(policy, call("socket", Arch::Aarch64)), nullptr);
  EXPECT_EQ(find_rule(policy, call("socket", Arch::Aarch64))->args,
            find_rule(policy, call("socket"))->args);
  EXPECT_EQ(find_rule(policy, call("openat")), nullptr);
}

TEST(Closures, RefusesUnknownWords) {
  EXPECT_FALSE(parse_closures({"resilient glibc"}));
  EXPECT_TRUE(parse_closures({"resilient libc", "arch aarch64"})->aarch64);
}

}  // namespace
}  // namespace vambrace::policy
