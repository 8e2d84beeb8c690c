#include "policy/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/samples.h"
#include "policy/synthesize.h"

namespace vambrace::policy {
namespace {

Policy example() {
  evidence::Evidence evidence = sample::evidence_of({
      sample::process(
          {sample::fact("read"), sample::fact("socket", {{1, 1, 0}, {2, 1, 0}}),
           sample::fact("clone3", {{0}})},
          "/bin/\xff \"quoted\""),
  });
  evidence.recordings[0].verdict = evidence::judge({{"map_full", ""}});
  return synthesize(evidence).value();
}

std::string refusal(std::string_view text) {
  const auto parsed = parse(text);
  return parsed ? "accepted" : parsed.error().message();
}

std::string replaced(std::string text, std::string_view from,
                     std::string_view to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(PolicyJson, NamesWithAnyBytesRoundTrip) {
  Policy policy = example();
  policy.syscalls[0].reasons[0].phases = {"\x01", "A", "\xff"};
  const auto again = parse(print(policy));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, policy);
}

TEST(PolicyJson, RoundTrips) {
  const Policy policy = example();
  const auto again = parse(print(policy));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, policy);
  EXPECT_EQ(print(*again), print(policy));
}

TEST(PolicyJson, NeedsRoundTrip) {
  Policy policy = example();
  const std::vector<Reason> reasons = policy.syscalls[0].reasons;
  policy.needs = {
      .files_known = true,
      .on_host = true,
      .users = {{0, 0, reasons}, {33, 4'000'000'000, reasons}},
      .writable = {{.folder = "/a\xff\n", .brought = true, .reasons = reasons},
                   {.folder = "/b",
                    .may_hide = true,
                    .folded = true,
                    .executed = true,
                    .reasons = reasons}},
      .raised = {{"/bin/su", reasons}},
      .mounted = {"/data"},
      .unseen = {"mkdir"},
      .untold = {"/srv/*/\xff"},
      .apart = {{{"/c\xff\n", "/d"}, true}, {{"/d"}, false}}};
  const auto again = parse(print(policy));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, policy);
  EXPECT_THAT(refusal(replaced(print(policy), "\"/b\"", "\"b\"")),
              testing::HasSubstr("needs.writable[1].folder: no absolute path"));
  EXPECT_THAT(refusal(replaced(print(policy), "\"/d\"", "\"d\"")),
              testing::HasSubstr("needs.apart[0]: no absolute path"));
}

TEST(PolicyJson, AbstractionsRoundTrip) {
  Policy policy = example();
  EXPECT_THAT(print(policy), testing::Not(testing::HasSubstr("abstractions")));
  policy.abstractions = {
      {.name = "a",
       .variables = {{"A", {"/x\xff", "@{B}"}}, {"B", {"/y"}}},
       .rules = {{.pattern = "/a b", .access = "kr"},
                 {.pattern = "@{A}/*", .access = "w", .owner = true}}},
      {.name = "b"}};
  const std::string text = print(policy);
  const auto again = parse(text);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, policy);
  for (const auto& [from, to] :
       {std::pair{"\"access\": \"kr\"", "\"access\": \"rk\""},
        {"\"access\": \"kr\"", "\"access\": \"rx\""},
        {"\"pattern\": \"/a b\"", "\"pattern\": \"\""},
        {"\"name\": \"b\"", "\"name\": \"a\""},
        {"\"name\": \"b\"", "\"name\": \"../b\""},
        {"\"name\": \"B\"", "\"name\": \"A\""}}) {
    ASSERT_NE(replaced(text, from, to), text) << from;
    EXPECT_THAT(refusal(replaced(text, from, to)),
                testing::HasSubstr("abstractions["))
        << to;
  }
}

TEST(PolicyJson, RefusesAnotherSchema) {
  EXPECT_THAT(refusal(replaced(print(example()), "policy/v1", "policy/v2")),
              testing::HasSubstr("is not vambrace.policy/v1"));
}

TEST(PolicyJson, RefusesUnknownKeysAndNamesThePlace) {
  EXPECT_THAT(refusal(replaced(print(example()), "\"cause\"", "\"casue\"")),
              testing::HasSubstr("reasons[0]"));
}

TEST(PolicyJson, RefusesARuleWithoutAReason) {
  const std::string text = print(example());
  json::Value value = json::parse(text).value();
  value["syscalls"][0]["reasons"] = json::Value::array();
  EXPECT_THAT(refusal(json::print(value)),
              testing::HasSubstr("without a reason"));
}

TEST(PolicyJson, RefusesANameThatIsNotTheNumbers) {
  json::Value value = json::parse(print(example())).value();
  value["syscalls"][0]["name"] = "ptrace";
  EXPECT_THAT(refusal(json::print(value)), testing::HasSubstr("syscalls[0]"));
}

TEST(PolicyJson, RefusesDoubleRules) {
  json::Value value = json::parse(print(example())).value();
  value["syscalls"].insert(value["syscalls"].begin(), value["syscalls"][0]);
  EXPECT_THAT(refusal(json::print(value)), testing::HasSubstr("not unique"));
}

}  // namespace
}  // namespace vambrace::policy
