#include "review/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/samples.h"
#include "policy/synthesize.h"
#include "review/days.h"
#include "review/json.h"
#include "review/remarks.h"

namespace vambrace::review {
namespace {

using policy::sample::call;
using policy::sample::evidence_of;
using policy::sample::fact;
using policy::sample::file;
using policy::sample::process;
using policy::sample::seen;
using policy::sample::with_files;
using ::testing::Contains;
using ::testing::HasSubstr;

// A bundle in memory.
struct World {
  evidence::Evidence evidence;
  std::vector<policy::Decision> decisions;
  std::vector<policy::Waiver> waivers;
  std::vector<elf::Reach> reaches;
  std::map<std::string, std::string> installed;
  std::set<std::uint32_t> capabilities;
  runtime::Target target = *runtime::target_named("process");
  std::optional<runtime::RuntimeLayer> layer;  // the target's, unless given
  policy::Stage stage = policy::Stage::Harden;
  const policy::RiskTable* risks = &policy::builtin_risks();
  // Made before the decisions, unless synthesized again.
  std::optional<policy::Policy> policy;

  void synthesize() {
    policy = policy::synthesize(evidence, {.heal = false,
                                           .closures = {},
                                           .decisions = decisions,
                                           .waivers = waivers})
                 .value();
  }
  Review review(const std::string& day = "2026-06-01") {
    if (!policy) {
      synthesize();
    }
    return judge({.policy = *policy,
                  .evidence = evidence,
                  .target = target,
                  .stage = stage,
                  .capabilities = capabilities,
                  .layer = layer ? *layer : runtime::runtime_layer(target),
                  .decisions = decisions,
                  .waivers = waivers,
                  .reaches = reaches,
                  .installed = installed,
                  .day = day,
                  .risks = *risks})
        .value();
  }
};

const Grant& grant(const Review& review, std::string_view subject) {
  const auto it = std::ranges::find(review.grants, subject, &Grant::subject);
  EXPECT_NE(it, review.grants.end()) << subject;
  return *it;
}

std::vector<std::string> ids(const Review& review, std::string_view severity) {
  std::vector<std::string> found;
  for (const policy::Finding& finding : review.findings) {
    if (finding.severity == severity) {
      found.push_back(finding.id);
    }
  }
  return found;
}

const policy::Finding* finding(const Review& review, std::string_view id,
                               std::string_view place = "") {
  for (const policy::Finding& one : review.findings) {
    if (one.id == id && (place.empty() || one.place == place)) {
      return &one;
    }
  }
  return nullptr;
}

TEST(Review, SaysWhoNeedsAGrantAndHowOften) {
  World world{.evidence =
                  evidence_of({process({fact("kill", seen(7))}),
                               process({fact("kill", seen(2))}, "/bin/sh",
                                       evidence::Origin::Helper)})};
  const Review review = world.review();
  const Grant& kill = grant(review, "syscall kill");
  EXPECT_EQ(kill.count, 9U);
  ASSERT_EQ(kill.needs.size(), 2U);
  EXPECT_EQ(kill.needs[0].role, Role::App);
  EXPECT_EQ(kill.needs[0].count, 7U);
  EXPECT_EQ(kill.needs[1].role, Role::Helper);
  EXPECT_EQ(kill.needs[1].name, "/bin/sh");
  EXPECT_TRUE(kill.traits.empty());
}

TEST(Review, CountsTheAccessesThatAPatternStandsFor) {
  World world{.evidence =
                  evidence_of({with_files({file("/etc/a", "r", seen(3)),
                                           file("/etc/a", "w", seen(1))})})};
  const Review review = world.review();
  EXPECT_EQ(grant(review, "file /etc/a rw").count, 4U);
}

TEST(Review, KeepsTheRuntimesCallsApart) {
  World world{.evidence = evidence_of({process({fact("kill", seen(9))})}),
              .target = *runtime::target_named("docker")};
  const Review review = world.review();
  const Grant& runtimes = grant(review, "syscall fstatfs");
  EXPECT_TRUE(runtimes.traits.contains(Trait::RuntimeOnly));
  EXPECT_EQ(runtimes.needs.at(0).role, Role::Runtime);
}

TEST(Review, TellsRareFromRegular) {
  World world{.evidence = evidence_of({process(
                  {fact("times", seen(2)), fact("read", seen(500))})})};
  const Review review = world.review();
  EXPECT_TRUE(grant(review, "syscall times").traits.contains(Trait::Rare));
  EXPECT_FALSE(grant(review, "syscall read").traits.contains(Trait::Rare));
  EXPECT_TRUE(finding(review, "rare"));
}

TEST(Review, TellsWhatIsOfTheStartAloneWherePhasesAreKnown) {
  World world{.evidence =
                  evidence_of({process({fact("kill", seen(9, "startup")),
                                        fact("read", seen(9, "serving"))})})};
  EXPECT_FALSE(grant(world.review(), "syscall kill")
                   .traits.contains(Trait::StartupOnly));
  world.evidence.recordings[0].phases = {{"startup", {}}, {"serving", {}}};
  EXPECT_TRUE(grant(world.review(), "syscall kill")
                  .traits.contains(Trait::StartupOnly));
}

TEST(Review, FindsARiskThatOnlyAHelperNeeds) {
  World world{.evidence =
                  evidence_of({process({fact("read", seen(9))}),
                               process({fact("mount", seen(9))}, "/bin/sh",
                                       evidence::Origin::Helper)})};
  const Review review = world.review();
  const policy::Finding* found = finding(review, "overreach", "seccomp: mount");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->severity, "medium");
  EXPECT_THAT(found->message, HasSubstr("helpers"));
  EXPECT_THAT(ids(review, "high"), Contains("dangerous-syscall"));
}

TEST(Review, AWaiverThatHoldsAnswersARisk) {
  World world{.evidence = evidence_of({process({fact("ptrace", seen(99))})}),
              .waivers = {{"syscall ptrace", "Ann", "debugs", "2026-12-31"}}};
  const Review review = world.review();
  EXPECT_EQ(review.waivers.at(0).state, "holds");
  EXPECT_EQ(finding(review, "dangerous-syscall")->severity, "info");
  EXPECT_THAT(finding(review, "dangerous-syscall")->message,
              HasSubstr("waived by Ann until 2026-12-31"));
}

TEST(Review, AnExpiredWaiverIsAFindingThatBlocks) {
  World world{.evidence = evidence_of({process({fact("ptrace", seen(99))})}),
              .waivers = {{"syscall ptrace", "Ann", "debugs", "2026-12-31"}}};
  world.synthesize();  // while it held
  EXPECT_EQ(finding(world.review("2026-12-31"), "waiver-expired"), nullptr);
  const Review review = world.review("2027-01-01");
  EXPECT_EQ(finding(review, "waiver-expired")->severity, "high");
  EXPECT_EQ(finding(review, "dangerous-syscall")->severity, "high");
}

TEST(Review, WarnsOfAWaiverThatExpires) {
  World world{.evidence = evidence_of({process({fact("ptrace", seen(99))})}),
              .waivers = {{"syscall ptrace", "Ann", "debugs", "2026-12-31"}}};
  EXPECT_EQ(world.review("2026-11-30").waivers.at(0).state, "holds");
  EXPECT_EQ(world.review("2026-12-01").waivers.at(0).within, 30);
  EXPECT_EQ(world.review("2026-12-24").waivers.at(0).within, 7);
  EXPECT_EQ(world.review("2026-12-31").waivers.at(0).within, 1);
}

TEST(Review, AKeepSpeaksOfTheLettersThatItNames) {
  World world{.evidence =
                  evidence_of({with_files({file("/srv/tool", "r", seen(9)),
                                           file("/srv/tool", "w", seen(9)),
                                           file("/srv/tool", "x", seen(9))})})};
  world.synthesize();
  const std::string all = "file /srv/tool rwx";
  const std::string place = "apparmor: " + all;
  ASSERT_TRUE(finding(world.review(), "high-risk", place));
  world.decisions = {{"file /srv/tool r", "keep", "Ann", "its data"}};
  EXPECT_EQ(finding(world.review(), "high-risk", place)->severity, "high");
  EXPECT_THAT(finding(world.review(), "high-risk", place)->message,
              HasSubstr("\"wx\""));
  world.decisions[0].what = all;
  EXPECT_EQ(finding(world.review(), "high-risk", place)->severity, "low");
  world.decisions = {};
  world.waivers = {{"file /srv/tool r", "Ann", "its data", "2026-12-31"}};
  EXPECT_EQ(finding(world.review(), "high-risk", place)->severity, "high");
  world.waivers[0].what = all;
  EXPECT_EQ(finding(world.review(), "high-risk", place)->severity, "info");
}

TEST(Review, AUsersTableOfRisksRulesWhatIsSaid) {
  World world{.evidence = evidence_of({process({fact("ptrace", seen(99))})})};
  policy::RiskTable table = policy::builtin_risks();
  table.version = "ours-1";
  table.syscalls["ptrace"].level = RiskClass::Low;
  std::erase_if(table.arguments,
                [](const auto& one) { return one.call == "ptrace"; });
  world.risks = &table;
  Review review = world.review();
  const auto* lowered = finding(review, "dangerous-syscall");
  ASSERT_NE(lowered, nullptr);
  EXPECT_EQ(lowered->severity, "info");
  EXPECT_THAT(lowered->message, HasSubstr("ours-1"));
  table.syscalls.erase("ptrace");
  review = world.review();
  EXPECT_EQ(finding(review, "dangerous-syscall")->severity, "medium");
  table.syscalls.clear();
  review = world.review();
  EXPECT_TRUE(finding(review, "unknown-risk", "seccomp: exit_group"));
}

TEST(Review, SaysWhichDecisionsTheNextSynthApplies) {
  World world{.evidence = evidence_of(
                  {process({fact("kill", seen(9)), fact("mkdir", seen(9))})}),
              .decisions = {}};
  world.synthesize();
  world.decisions = {{"syscall kill", "keep", "Ann", "reload"},
                     {"syscall mkdir", "drop", "Ann", "an accident"},
                     {"syscall bpf", "keep", "Ann", "never seen"}};
  Review review = world.review();
  EXPECT_EQ(review.decisions[0].state, "pending");
  EXPECT_EQ(review.decisions[1].state, "pending");
  EXPECT_EQ(review.decisions[2].state, "idle");
  EXPECT_TRUE(finding(review, "decision-pending"));
  world.synthesize();
  review = world.review();
  EXPECT_EQ(review.decisions[0].state, "applied");
  EXPECT_EQ(review.decisions[1].state, "applied");
  EXPECT_EQ(grant(review, "syscall kill").decision->why, "reload");
}

std::string state_of(World& world, const char* what,
                     const char* choice = "drop") {
  world.decisions.push_back({what, choice, "Ann", "no"});
  world.synthesize();
  return world.review().decisions.back().state;
}

TEST(Review, ADropOfAFileIsAppliedWhereItIsDenied) {
  World world{.evidence = evidence_of({with_files({file("/x/a", "crw")})}),
              .decisions = {}};
  EXPECT_EQ(state_of(world, "file /x/a w"), "applied");
  EXPECT_EQ(state_of(world, "file /x/* r"), "applied");
  EXPECT_EQ(state_of(world, "file /y w"), "idle");
  EXPECT_TRUE(finding(world.review(), "decision-idle"));
  world.target.apparmor = false;
  const Review review = world.review();
  EXPECT_EQ(review.decisions[0].state, "ineffective");
  EXPECT_EQ(finding(review, "decision-ineffective")->severity, "high");
}

TEST(Review, ADropIsPartialWhereTheBundleTellsNoEngineOfTheProfile) {
  World world{.evidence = evidence_of({with_files({file("/x", "rw")})}),
              .decisions = {},
              .target = *runtime::target_named("docker")};
  EXPECT_EQ(state_of(world, "file /x w"), "partial");
  EXPECT_TRUE(finding(world.review(), "decision-partial"));
  world.target.apparmor = true;
  EXPECT_EQ(world.review().decisions[0].state, "applied");
}

TEST(Review, AnAddThatADropCoversIsIneffective) {
  World world{.evidence = evidence_of({with_files({file("/x/a", "r")})}),
              .decisions = {}};
  EXPECT_EQ(state_of(world, "file /x/* r"), "applied");
  EXPECT_EQ(state_of(world, "file /x/b r", "add"), "ineffective");
}

TEST(Review, AWiderRuleTellsWhatWasDroppedOfIt) {
  World world{.evidence = evidence_of({with_files({file("/x/a", "r")})}),
              .decisions = {{"file /x/* r", "add", "Ann", "any"}}};
  state_of(world, "file /x/a r");
  EXPECT_THAT(grant(world.review(), "file /x/* r").limits,
              HasSubstr("not r of /x/a"));
}

TEST(Review, ADroppedFamilyIsRefusedByBothLayers) {
  evidence::Process maker = with_files({file("/x", "r")});
  maker.syscalls = {fact("socket", {{2, 1, 0}, {16, 3, 0}})};
  World world{.evidence = evidence_of({maker}), .decisions = {}};
  EXPECT_EQ(state_of(world, "network inet"), "applied");
  EXPECT_EQ(state_of(world, "network inet6"), "idle");
  world.decisions.push_back({"syscall socket", "add", "Ann", "any"});
  EXPECT_EQ(state_of(world, "network netlink"), "partial");
  world.target.apparmor = false;
  EXPECT_EQ(world.review().decisions.back().state, "ineffective");
}

TEST(Review, AnAddedFamilyPassesBothLayersOrIsIneffective) {
  evidence::Process maker = with_files({file("/x", "r")});
  maker.syscalls = {fact("socket", {{2, 1, 0}})};
  World world{.evidence = evidence_of({maker}), .decisions = {}};
  EXPECT_EQ(state_of(world, "network inet dgram", "add"), "applied");
  EXPECT_EQ(state_of(world, "syscall socket"), "applied");
  const Review review = world.review();
  EXPECT_EQ(review.decisions[0].state, "ineffective");
  ASSERT_TRUE(finding(review, "decision-ineffective"));
  EXPECT_THAT(finding(review, "decision-ineffective")->message,
              HasSubstr("seccomp refuses every call"));
}

TEST(Review, ADropOfWhatTheRuntimeCallsIsIneffective) {
  World world{.evidence = evidence_of({process({fact("execve", seen(9))})}),
              .decisions = {},
              .target = *runtime::target_named("docker")};
  EXPECT_EQ(state_of(world, "syscall execve"), "ineffective");
  const Review review = world.review();
  EXPECT_EQ(finding(review, "decision-ineffective")->severity, "medium");
  EXPECT_THAT(finding(review, "decision-ineffective")->message,
              HasSubstr("still granted to the runtime"));
  EXPECT_EQ(state_of(world, "syscall bpf"), "idle");
}

TEST(Review, NeverTakesNoAnalysisForNothingReachable) {
  World world{.evidence = evidence_of({process({fact("read", seen(9))})})};
  const Review review = world.review();
  EXPECT_TRUE(review.candidates.empty());
  EXPECT_FALSE(review.coverage.calls.reachable);
  EXPECT_TRUE(finding(review, "analysis-none"));
  EXPECT_THAT(review.gaps, Contains(testing::Field(&Gap::kind, "no-analysis")));
}

TEST(Review, RanksWhatIsReachableAndWasNotSeen) {
  World world{.evidence = evidence_of({process({fact("read", seen(9))})})};
  elf::Reach reach{.program = "/bin/app"};
  const elf::Step main{"/bin/app", "main", 1, elf::Link::Start};
  reach.calls = {{.syscall = call("read"), .chain = {main}},
                 {.syscall = call("kill"), .chain = {main}},
                 {.syscall = call("exit_group"), .chain = {main}}};
  world.reaches = {reach};
  const Review review = world.review();
  ASSERT_EQ(review.candidates.size(), 2U);
  EXPECT_EQ(review.candidates[0].subject, "syscall kill");
  // Every program may end.
  EXPECT_TRUE(review.candidates[1].granted);
  EXPECT_THAT(finding(review, "reachable")->message, HasSubstr("kill"));
}

TEST(Review, TellsWhatOpensNothingNewByItself) {
  World world{.evidence = evidence_of({process(
                  {fact("mkdir", seen(9)), fact("setuid", seen(9))})})};
  elf::Reach reach{.program = "/bin/app"};
  const elf::Step main{"/bin/app", "main", 1, elf::Link::Start};
  reach.calls = {{.syscall = call("kill"), .chain = {main}},
                 {.syscall = call("setreuid"), .chain = {main}},
                 {.syscall = call("mkdirat"), .chain = {main}}};
  world.reaches = {reach};
  EXPECT_EQ(finding(world.review(), "reachable")->message,
            "3 calls can be made, were not seen and would be refused; 2 of "
            "them open no more than what is granted: setreuid, mkdirat; of the "
            "others most likely first: kill");
  EXPECT_THAT(finding(world.review(), "reachable")->hint,
              HasSubstr("add \"what opens nothing new\""));
  world.reaches[0].calls.erase(world.reaches[0].calls.begin());
  EXPECT_EQ(finding(world.review(), "reachable")->message,
            "2 calls can be made, were not seen and would be refused; 2 of "
            "them open no more than what is granted: setreuid, mkdirat");
  // Somebody decided about one of them.
  world.decisions = {{"syscall setreuid", "drop", "Ann", "no"}};
  EXPECT_EQ(finding(world.review(), "reachable")->message,
            "1 calls can be made, were not seen and would be refused; 1 of "
            "them open no more than what is granted: mkdirat");
  // What is going to be dropped opens nothing else.
  world.decisions = {{"syscall mkdir", "drop", "Ann", "no"}};
  EXPECT_EQ(finding(world.review(), "reachable")->message,
            "2 calls can be made, were not seen and would be refused; 1 of "
            "them open no more than what is granted: setreuid; of the others "
            "most likely first: mkdirat");
}

// runc asks for one option of prctl.
TEST(Review, WhatTheRuntimeDoesWithSomeArgumentsIsGrantedForThese) {
  World world{.evidence = evidence_of({process({fact("read", seen(9))})}),
              .target = *runtime::target_named("docker"),
              .layer = runtime::RuntimeLayer{
                  .start = {{.name = "prctl", .index = 0, .values = {4}},
                            {.name = "setgid"}}}};
  const Review review = world.review();
  EXPECT_THAT(grant(review, "syscall prctl").limits, HasSubstr("4"));
  EXPECT_EQ(grant(review, "syscall setgid").limits, "");
}

// A C library takes clone on ENOSYS: that clone3 was not seen is no gap.
TEST(Review, CallsThatThePolicyAnswersAreNoCandidates) {
  World world{.evidence =
                  evidence_of({process({fact("clone", {{0x1200011}})})})};
  const elf::Step main{"/bin/app", "main", 1, elf::Link::Start};
  world.reaches = {{.program = "/bin/app",
                    .calls = {{.syscall = call("clone"), .chain = {main}},
                              {.syscall = call("clone3"), .chain = {main}}}}};
  EXPECT_TRUE(world.review().candidates.empty());
  // Without a clone to turn to it is one.
  world.decisions = {{"syscall clone", "drop", "ann", "no children"}};
  world.synthesize();
  ASSERT_EQ(world.review().candidates.size(), 1U);
  EXPECT_EQ(world.review().candidates[0].subject, "syscall clone3");
}

TEST(Review, LeavesOutAnAnswerOfAProgramThatWasNotRecorded) {
  World world{.evidence = evidence_of({process({fact("read", seen(9))})})};
  const elf::Step main{"/bin/other", "main", 1, elf::Link::Start};
  elf::Reach other{.program = "/bin/other"};
  other.calls = {{.syscall = call("kill"), .chain = {main}}};
  world.reaches = {other};
  const Review review = world.review();
  EXPECT_TRUE(review.candidates.empty());
  EXPECT_TRUE(finding(review, "analysis-none"));
  EXPECT_TRUE(finding(review, "analysis-other", "program: /bin/other"));
}

TEST(Review, CountsAnAnswerThatIsThereTwiceOnce) {
  World world{.evidence = evidence_of({process({fact("read", seen(9))})})};
  elf::Reach reach{.program = "/bin/app"};
  reach.calls = {{.syscall = call("kill"),
                  .chain = {{"/bin/app", "main", 1, elf::Link::Start}}}};
  world.reaches = {reach};
  const std::string once = print_review(world.review());
  world.reaches = {reach, reach};
  EXPECT_EQ(print_review(world.review()), once);
}

TEST(Review, NoticesThatTheSoftwareIsNoLongerTheSame) {
  World world{.evidence = evidence_of({process({fact("read", seen(9))})})};
  world.evidence.processes[0].key.build_id = "aa11";
  world.installed = {{"/bin/app", "bb22"}};
  world.reaches = {{.program = "/bin/app", .build_id = "cc33"}};
  const Review review = world.review();
  EXPECT_TRUE(finding(review, "build-changed"));
  EXPECT_TRUE(finding(review, "analysis-stale"));
  world.installed = {{"/bin/app", "aa11"}};
  world.reaches[0].build_id = "aa11";
  EXPECT_FALSE(finding(world.review(), "build-changed"));
  EXPECT_FALSE(finding(world.review(), "analysis-stale"));
}

TEST(Review, NoticesOldRecordingsAndOtherKernels) {
  World world{.evidence = evidence_of({process({fact("read", seen(9))})})};
  world.evidence.recordings[0].kernel = "5.10.0-9-amd64";
  const Review review = world.review();  // the sample was made in 1970
  EXPECT_TRUE(finding(review, "evidence-stale"));
  EXPECT_TRUE(finding(review, "evidence-kernel"));
}

TEST(Review, SaysThatTheEvidenceIsIncomplete) {
  World world{.evidence = evidence_of({process({fact("read", seen(9))})})};
  world.evidence.recordings[0].verdict =
      evidence::judge({{"attached_late", "2 s"}});
  const Review review = world.review();
  EXPECT_EQ(review.summary.evidence_state, evidence::State::Incomplete);
  EXPECT_TRUE(finding(review, "evidence-incomplete"));
  EXPECT_THAT(review.gaps,
              Contains(testing::Field(&Gap::kind, "attached_late")));
}

TEST(Review, IsTheSameForTheSame) {
  World world{.evidence = evidence_of(
                  {process({fact("read", seen(9)), fact("mount", seen(1))})})};
  EXPECT_EQ(print_review(world.review()), print_review(world.review()));
}

TEST(Review, RefusesADayThatIsNone) {
  World world{.evidence = evidence_of({process({fact("read")})})};
  world.synthesize();
  const auto refused = judge({.policy = *world.policy,
                              .evidence = world.evidence,
                              .target = world.target,
                              .capabilities = world.capabilities,
                              .layer = runtime::runtime_layer(world.target),
                              .decisions = world.decisions,
                              .waivers = world.waivers,
                              .reaches = {},
                              .installed = world.installed,
                              .day = "2026-02-30"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("2026-02-30"));
}

TEST(Days, KnowTheCalendar) {
  EXPECT_EQ(day_number("1970-01-02"), 1);
  EXPECT_EQ(*day_number("2024-03-01") - *day_number("2024-02-28"), 2);
  EXPECT_FALSE(day_number("2023-02-29"));
  EXPECT_FALSE(day_number("soon"));
}

}  // namespace
}  // namespace vambrace::review
