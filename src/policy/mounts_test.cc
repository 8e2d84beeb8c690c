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

// A call of mount(2), so often made and so often refused.
evidence::SyscallFact mount_call(std::uint64_t count, std::uint64_t refused) {
  evidence::Share share{.count = count, .phases = {{"startup", count}}};
  if (refused > 0) {
    share.errnos["EPERM"] = refused;
  }
  return {.syscall = {kernel::Arch::X86_64, 165}, .by = {{kId, share}}};
}

Process mounting(MountFact fact) {
  Process process = web();
  process.syscalls = {mount_call(2, 1)};
  process.mounts = {std::move(fact)};
  return process;
}

TEST(Mounts, BecomeRulesThatSayWhatWasSeenAndNoMore) {
  const Process process = mounting(tmpfs());
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
  for (const auto change :
       {+[](MountFact& f) { f.target.reset(); },
        +[](MountFact& f) { f.source.reset(); },
        +[](MountFact& f) { f.options = {"0x4000000"}; },
        +[](MountFact& f) { f.options = {"lazytime"}; },
        +[](MountFact& f) { f.fstype = "a\" rw,"; },
        +[](MountFact& f) { f.fstype = std::string(32, 'a'); },
        +[](MountFact& f) { f.source = "s3://bucket/x"; },
        +[](MountFact& f) { f.target = "/a//b/"; },
        +[](MountFact& f) { f.fstype = ""; }}) {
    Process process = mounting(tmpfs());
    change(process.mounts[0]);
    const Policy policy = synthesize(watched({process})).value();
    EXPECT_TRUE(policy.mounts.empty());
    EXPECT_THAT(ids(policy), Contains("mount-untold"));
  }
}

// A rule without options would allow any, and one with a word of another
// operation something else.
TEST(Mounts, ThatDoNotSayWhatTheyAreHaveNoRule) {
  const auto fact = [](std::string operation, std::vector<std::string> options,
                       std::string source = "") {
    return MountFact{.operation = std::move(operation),
                     .fstype = {},
                     .options = std::move(options),
                     .source = std::move(source),
                     .target = "/t/",
                     .by = once()};
  };
  for (const MountFact& good :
       {fact("bind", {"rbind"}, "/a/"), fact("move", {}, "/a/"),
        fact("propagation", {"rprivate", "silent"}), fact("remount", {"ro"}),
        fact("remount", {"bind", "rw"}), fact("umount", {}),
        fact("pivot_root", {}, "/t/old/")}) {
    EXPECT_TRUE(mount_rule(good)) << describe(good);
  }
  MountFact typed = fact("umount", {});
  typed.fstype = "ext4";
  MountFact bare = tmpfs();
  bare.options = {};
  MountFact both = tmpfs();
  both.options = {"ro", "rw"};
  MountFact shared = tmpfs();
  shared.options = {"rw", "shared"};
  for (const MountFact& bad :
       {fact("bind", {}, "/a/"), fact("bind", {"rw"}, "/a/"),
        fact("bind", {"bind"}, "a"), fact("move", {"bind"}, "/a/"),
        fact("move", {}), fact("propagation", {}),
        fact("propagation", {"silent"}), fact("propagation", {"ro"}),
        fact("remount", {}), fact("remount", {"private", "rw"}),
        fact("umount", {"ro"}), fact("pivot_root", {}), typed, bare, both,
        shared}) {
    EXPECT_FALSE(mount_rule(bad)) << describe(bad);
    const Policy policy = synthesize(watched({mounting(bad)})).value();
    EXPECT_TRUE(policy.mounts.empty()) << describe(bad);
    EXPECT_THAT(ids(policy), Contains("mount-untold")) << describe(bad);
  }
}

TEST(Mounts, ThatAPolicyFileDoesNotSayInFullAreRefused) {
  const Policy policy = synthesize(watched({mounting(tmpfs())})).value();
  std::string text = print(policy);
  ASSERT_TRUE(parse(text));
  const std::size_t at = text.find("\"options\": [");
  ASSERT_NE(at, text.npos) << text;
  const std::size_t end = text.find(']', at);
  EXPECT_FALSE(parse(text.replace(at, end - at, "\"options\": [")));
}

// A hook is asked before the kernel looks at the caller's rights.
TEST(Mounts, OfAProgramWhoseCallsWereAllRefusedHaveNoRule) {
  Process process = mounting(tmpfs());
  process.syscalls = {mount_call(3, 3)};
  const Policy policy = synthesize(watched({process})).value();
  EXPECT_TRUE(policy.mounts.empty());
  EXPECT_THAT(ids(policy), Contains("mount-refused"));
  EXPECT_THAT(ids(policy), Not(Contains("mount-untold")));
}

TEST(Mounts, BeyondThreeHundredHaveNoRuleAndAreCounted) {
  Process process = mounting(tmpfs());
  for (int i = 0; i < 400; ++i) {
    process.mounts.push_back(tmpfs());
    process.mounts.back().target = fmt::format("/many/{}/", i);
    process.mounts.push_back(process.mounts.back());
    process.mounts.back().options = {"lazytime", "rw"};
  }
  const Policy policy = synthesize(watched({process})).value();
  EXPECT_EQ(policy.mounts.size(), 300U);
  EXPECT_THAT(ids(policy), Contains("mounts-many"));
  const auto untold =
      std::ranges::find(policy.findings, "mount-untold", &Finding::id);
  ASSERT_NE(untold, policy.findings.end());
  EXPECT_THAT(untold->message, HasSubstr("and 395 more"));
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

TEST(Traces, ThatOnlyHooksTellAreAFindingWithoutThem) {
  Process process = web();
  process.syscalls = {{.syscall = {kernel::Arch::X86_64, 312}, .by = once()}};
  Evidence evidence = watched({process});
  EXPECT_THAT(ids(synthesize(evidence).value()),
              Not(Contains("looks-unknown")));
  evidence.recordings[0].probes[std::string(evidence::kTraceProbe)] =
      "tp_btf/sys_exit";
  EXPECT_THAT(ids(synthesize(evidence).value()), Contains("looks-unknown"));
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
