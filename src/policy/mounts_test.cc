#include "policy/mounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evidence/merge.h"
#include "policy/json.h"
#include "policy/synthesize.h"

namespace vambrace::policy {
namespace {

using evidence::Evidence;
using evidence::MountFact;
using evidence::Origin;
using evidence::Process;
using evidence::Side;
using evidence::TraceFact;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kId = "00000000000000000000000000000001";

evidence::By once() {
  return {{kId, evidence::Share{.count = 1, .phases = {{"startup", 1}}}}};
}

Evidence watched(std::vector<Process> processes) {
  Evidence out;
  out.workload.id = "spiffe://local/web";
  evidence::Recording recording{.id = kId};
  for (const auto kind : {evidence::kMountProbe, evidence::kTraceProbe}) {
    recording.probes.emplace(kind, "lsm/x");
  }
  out.recordings = {recording};
  out.processes = std::move(processes);
  return evidence::canonical(std::move(out));
}

Process web() {
  return {.key = {.exe = "/bin/web", .origin = Origin::App}};
}

MountFact tmpfs() {
  return {.operation = "mount",
          .fstype = "tmpfs",
          .options = {"nosuid", "rw"},
          .source = "none",
          .target = "/srv/a b/",
          .by = once()};
}

std::set<std::string> ids(const Policy& policy) {
  std::set<std::string> out;
  for (const Finding& finding : policy.findings) {
    out.insert(finding.id);
  }
  return out;
}

TEST(Mounts, BecomeRulesThatSayWhatWasSeenAndNoMore) {
  Process process = web();
  process.mounts = {tmpfs()};
  const Policy policy = synthesize(watched({process})).value();
  ASSERT_EQ(policy.mounts.size(), 1U);
  const MountRule& rule = policy.mounts[0];
  EXPECT_EQ(rule.program, "");
  EXPECT_EQ(rule.operation, "mount");
  EXPECT_EQ(rule.fstype, "tmpfs");
  EXPECT_THAT(rule.options, ElementsAre("nosuid", "rw"));
  EXPECT_EQ(rule.source, "none");
  EXPECT_EQ(rule.target, "/srv/a b/");
  ASSERT_EQ(rule.reasons.size(), 1U);
  EXPECT_EQ(rule.reasons[0].exe, "/bin/web");
  EXPECT_THAT(ids(policy), Not(Contains("mount-untold")));
}

TEST(Mounts, OfWhichSomethingIsUnknownAreAFindingAndNoRule) {
  for (const auto change : {+[](MountFact& f) { f.target.reset(); },
                            +[](MountFact& f) { f.source.reset(); },
                            +[](MountFact& f) { f.options = {"0x4000000"}; },
                            +[](MountFact& f) { f.options = {"lazytime"}; },
                            +[](MountFact& f) { f.fstype = "a\" rw,"; },
                            +[](MountFact& f) { f.fstype = ""; }}) {
    Process process = web();
    process.mounts = {tmpfs()};
    change(process.mounts[0]);
    const Policy policy = synthesize(watched({process})).value();
    EXPECT_TRUE(policy.mounts.empty());
    EXPECT_THAT(ids(policy), Contains("mount-untold"));
  }
}

TEST(Mounts, AreNotMissedWhereTheyWereWatched) {
  Process process = web();
  process.syscalls = {{.syscall = {kernel::Arch::X86_64, 165}, .by = once()}};
  Evidence evidence = watched({process});
  EXPECT_THAT(ids(synthesize(evidence).value()),
              Not(Contains("mounts-unknown")));
  evidence.recordings[0].probes.clear();
  EXPECT_THAT(ids(synthesize(evidence).value()), Contains("mounts-unknown"));
}

TEST(Traces, NameTheProgramOnTheOtherSide) {
  Process process = web();
  process.traces = {{.access = "read",
                     .other = Side::Program,
                     .exe = "/bin/helper",
                     .by = once()}};
  Process helper{.key = {.exe = "/bin/helper",
                         .origin = Origin::Helper,
                         .parent = "/bin/web"}};
  const Policy policy = synthesize(watched({process, helper})).value();
  EXPECT_TRUE(policy.traces_known);
  ASSERT_EQ(policy.traces.size(), 1U);
  EXPECT_EQ(policy.traces[0].access, "read");
  EXPECT_EQ(policy.traces[0].other, Side::Program);
  EXPECT_EQ(policy.traces[0].peer, "/bin/helper");
}

TEST(Traces, OfProcessesOutsideAreAFinding) {
  Process process = web();
  process.traces = {
      {.access = "read", .other = Side::Outside, .exe = "", .by = once()}};
  const Policy policy = synthesize(watched({process})).value();
  EXPECT_THAT(ids(policy), Contains("traces-outside"));
  ASSERT_EQ(policy.traces.size(), 1U);
  EXPECT_EQ(policy.traces[0].other, Side::Outside);
}

TEST(Traces, AreKnownOnlyIfEachRecordingWatchedThem) {
  Evidence evidence = watched({web()});
  EXPECT_TRUE(synthesize(evidence).value().traces_known);
  evidence.recordings.push_back({.id = std::string(32, 'f')});
  EXPECT_FALSE(synthesize(evidence).value().traces_known);
}

TEST(PolicyJson, ReadsPoliciesFromBeforeMountsAndTraces) {
  Process process = web();
  const Policy policy = synthesize(watched({process})).value();
  json::Value tree = json::parse(print(policy)).value();
  for (const char* key : {"mounts", "traces", "traces_known"}) {
    ASSERT_TRUE(tree.contains(key));
    tree.erase(key);
  }
  const auto old = parse(json::print(tree));
  ASSERT_TRUE(old) << old.error().message();
  EXPECT_FALSE(old->traces_known);
  tree["mounts"] = json::Value::array({{{"operation", "bound"}}});
  EXPECT_FALSE(parse(json::print(tree)));
}

}  // namespace
}  // namespace vambrace::policy
