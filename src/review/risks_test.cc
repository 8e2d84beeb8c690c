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

}  // namespace
}  // namespace vambrace::review
