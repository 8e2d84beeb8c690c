#include "policy/risk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/risk_json.h"

namespace vambrace::policy {
namespace {

TEST(Risks, ThatShipParseAndPrintToTheSame) {
  const RiskTable& shipped = builtin_risks();
  EXPECT_FALSE(shipped.version.empty());
  const auto again = parse_risks(print_risks(shipped));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, shipped);
}

}  // namespace
}  // namespace vambrace::policy
