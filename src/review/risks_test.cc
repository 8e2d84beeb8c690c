#include "review/risks.h"

#include <gtest/gtest.h>

namespace vambrace::review {
namespace {

policy::RiskClass level_of_file(std::string pattern) {
  const Risks risks(policy::builtin_risks());
  policy::FileRule rule;
  rule.pattern = std::move(pattern);
  rule.access = "r";
  return risks.of(rule).level;
}

TEST(RisksOfFiles, OnePathHasThatOfTheNearestPlace) {
  EXPECT_EQ(level_of_file("/proc/sys/kernel/ngroups_max"),
            policy::RiskClass::Medium);
  EXPECT_EQ(level_of_file("/proc/sys/kernel/core_pattern"),
            policy::RiskClass::High);
}

TEST(RisksOfFiles, APatternHasThatOfTheWorstPlaceItMeets) {
  EXPECT_EQ(level_of_file("/proc/sys/kernel/*"), policy::RiskClass::High);
  EXPECT_EQ(level_of_file("/proc/sys/kernel/ngroups_m*"),
            policy::RiskClass::High);
}

TEST(RisksOfFiles, SayThatARuleWrites) {
  const Risks risks(policy::builtin_risks());
  policy::FileRule rule;
  rule.pattern = "/var/lib/app/db";
  rule.access = "rw";
  EXPECT_EQ(risks.of(rule).exposes, "reads that file; writes that file");
  rule.access = "r";
  EXPECT_EQ(risks.of(rule).exposes, "reads that file");
}

}  // namespace
}  // namespace vambrace::review
