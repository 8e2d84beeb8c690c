#include "review/json.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace vambrace::review {
namespace {

json::Value parsed(const Review& review) {
  return json::parse(print_review(review)).value();
}

TEST(ReviewJson, TellsWhatIsUnknownApartFromNone) {
  Review review;
  EXPECT_TRUE(parsed(review)["coverage"]["calls"]["reachable"].is_null());
  EXPECT_TRUE(parsed(review)["coverage"]["outlook"]["expected"].is_null());
  review.coverage.calls.reachable = 0;
  EXPECT_EQ(parsed(review)["coverage"]["calls"]["reachable"], 0);
}

TEST(ReviewJson, QuotesNamesFromOutside) {
  Review review;
  Grant grant;
  grant.subject = "file /tmp/a\nb r";
  grant.needs = {{.role = Role::Helper, .name = "/bin/\xff"}};
  review.grants = {grant};
  const json::Value made = parsed(review)["grants"][0];
  EXPECT_EQ(made["subject"], "file /tmp/a\\x0ab r");
  EXPECT_EQ(made["needs"][0]["name"], "/bin/\\xff");
  EXPECT_TRUE(made["decision"].is_null());
}

TEST(ReviewJson, TellsWhatOfAFileNobodySpokeOf) {
  Review review;
  review.grants = {{.subject = "file /x rw"},
                   {.subject = "file /y rw",
                    .unnamed = "w",
                    .unnamed_risk = RiskClass::High}};
  const json::Value made = parsed(review)["grants"];
  EXPECT_EQ(made[0]["unnamed"], "");
  EXPECT_TRUE(made[0]["unnamed_risk"].is_null());
  EXPECT_EQ(made[1]["unnamed"], "w");
  EXPECT_EQ(made[1]["unnamed_risk"], "high");
}

TEST(ReviewJson, TellsWhatOpensAllThatACandidateWould) {
  Review review;
  review.candidates = {Candidate{}, Candidate{}};
  review.candidates[1].opened_by = {"setgid", "setuid"};
  const json::Value made = parsed(review)["candidates"];
  EXPECT_EQ(made[0]["opened_by"], json::Value::array());
  EXPECT_EQ(made[1]["opened_by"], json::Value({"setgid", "setuid"}));
}

TEST(ReviewJson, TellsTheStepsOfAChainInTheirOrder) {
  Review review;
  Candidate candidate;
  candidate.rank = 1;
  candidate.subject = "syscall mremap";
  candidate.chain = {{"/bin/a", "main", 0x10, elf::Link::Start},
                     {"/lib/c", "realloc", 0x20, elf::Link::Call}};
  review.candidates = {candidate};
  const json::Value chain = parsed(review)["candidates"][0]["chain"];
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[0]["function"], "main");
  EXPECT_EQ(chain[1]["address"], "0x20");
  EXPECT_EQ(chain[1]["link"], "call");
}

}  // namespace
}  // namespace vambrace::review
