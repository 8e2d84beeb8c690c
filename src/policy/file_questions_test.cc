#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/apparmor/render.h"
#include "policy/explain.h"
#include "policy/file_difference.h"
#include "policy/replay.h"
#include "policy/samples.h"
#include "policy/seccomp/render.h"
#include "policy/synthesize.h"

// Replay, explain and diff, asked about files.
namespace vambrace::policy {
namespace {

using evidence::Origin;
using sample::evidence_of;
using sample::file;
using sample::seen;
using sample::with_files;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An application that starts a shell.
evidence::Evidence seen_by_both() {
  return evidence_of(
      {with_files({file("/etc/app.conf", "r"), file("/bin/sh", "x"),
                   file("/proc/12/status", "r", seen(1), true),
                   file("/var/app.log", "ac"), file("tmpfs:memfd:x", "rw"),
                   file("disconnected:/in", "irw")}),
       with_files({file("/etc/profile", "r"), file("/bin/sh", "mr")}, "/bin/sh",
                  Origin::Helper, "/bin/app")});
}

class Bundle {
 public:
  explicit Bundle(const evidence::Evidence& evidence,
                  Stage stage = Stage::Harden, bool no_new_privs = false)
      : policy(synthesize(evidence).value()), stage_(stage) {
    target.no_new_privs = no_new_privs;
    profile = seccomp::render(policy, target, stage).value().profile;
  }
  Replay replay(const evidence::Evidence& evidence) const {
    return policy::replay(evidence, rendering()).value();
  }
  std::vector<Answer> explain(std::vector<std::string> words,
                              const evidence::Evidence& evidence) const {
    return policy::explain(parse_question(words).value(), rendering(),
                           runtime::runtime_layer(target), evidence)
        .value();
  }

  Policy policy;

 private:
  Rendering rendering() const {
    return {policy, profile, target, capabilities, stage_};
  }
  runtime::Target target = *runtime::target_named("docker");
  seccomp::Profile profile;
  std::set<std::uint32_t> capabilities;
  Stage stage_;
};

std::vector<std::string> denied(const Replay& replay) {
  std::vector<std::string> out;
  for (const WouldBeDenial& denial : replay.denials) {
    out.push_back(denial.process.exe + ": " + describe(denial));
  }
  return out;
}

TEST(FileQuestions, KnowWhatWasDropped) {
  const evidence::Evidence evidence =
      evidence_of({with_files({file("/x/a", "rw")})});
  Bundle dropped(evidence);
  dropped.policy =
      synthesize(evidence,
                 {.decisions = {{"file /x/* rw", "add", "ann", "any"},
                                {"file /x/a w", "drop", "ann", "no"}}})
          .value();
  const auto answers = dropped.explain({"/x/a", "w"}, evidence);
  EXPECT_EQ(answers.at(0).permission, Permission::Refused);
  EXPECT_THAT(answers[0].notes, Contains("rule audit deny /x/a w"));
  EXPECT_EQ(dropped.explain({"/x/a", "r"}, evidence)[0].permission,
            Permission::Allowed);
  EXPECT_EQ(dropped.explain({"/x/b", "w"}, evidence)[0].permission,
            Permission::Allowed);
}

TEST(FileQuestions, TellADenialApart) {
  const auto rule = [](const char* pattern, bool deny) {
    return apparmor::FileRule{.pattern = pattern,
                              .access = {.read = true},
                              .target = {},
                              .deny = deny,
                              .why = {}};
  };
  apparmor::Profile wide{.name = "web"};
  wide.rules.files = {rule("/x/*", false)};
  apparmor::Profile narrow = wide;
  narrow.rules.files.push_back(rule("/x/a", true));
  EXPECT_THAT(files_beyond(narrow, wide).value(), IsEmpty());
  EXPECT_THAT(files_beyond(narrow, narrow).value(), IsEmpty());
  const auto more = files_beyond(wide, narrow).value();
  ASSERT_EQ(more.size(), 1U);
  EXPECT_EQ(more[0].example, "/x/a");
}

// A link must not give a file more than it has by its old name.
TEST(ReplayFiles, ANewNameWithMoreRightsThanAnyFileIsRefused) {
  const auto links = [](const char* old_access, const char* more) {
    return evidence_of(
        {with_files({file("/srv/old", old_access), file("/srv/new", "l"),
                     file("/srv/new", more)})});
  };
  const auto denied_of = [](const evidence::Evidence& evidence) {
    return denied(Bundle(evidence).replay(evidence));
  };
  EXPECT_THAT(denied_of(links("cw", "r")),
              ElementsAre(HasSubstr("file /srv/new (l)")));
  EXPECT_THAT(denied_of(links("r", "d")),
              ElementsAre(HasSubstr("file /srv/new (l)")));
  EXPECT_THAT(denied_of(links("crw", "dr")), IsEmpty());
  EXPECT_THAT(denied_of(links("r", "l")), IsEmpty());
  // The old name is told by no evidence: it may be one that was never opened.
  const auto unknown_of = [](const evidence::Evidence& evidence) {
    const Replay replay = Bundle(evidence).replay(evidence);
    return replay.unknown.empty() ? "" : describe(replay.unknown.at(0));
  };
  EXPECT_EQ(unknown_of(links("crw", "dr")), "file /srv/new (l)");
  EXPECT_EQ(unknown_of(links("cw", "r")), "");
  EXPECT_EQ(unknown_of(links("r", "l")), "");
}

// Of files on no mount AppArmor is asked at execve alone.
TEST(ReplayFiles, StartingAFileInMemoryTakesARuleOfItsOwn) {
  const auto started = evidence_of(
      {with_files({file("/etc/x", "r"), file("tmpfs:memfd:code", "x"),
                   file("tmpfs:memfd:jit", "mrw")})});
  const auto without = evidence_of({with_files({file("/etc/x", "r")})});
  EXPECT_THAT(denied(Bundle(started).replay(started)), IsEmpty());
  EXPECT_THAT(denied(Bundle(without).replay(started)),
              ElementsAre("/bin/app: file tmpfs:memfd:code (x)"));
}

TEST(ReplayFiles, OwnEvidenceIsNeverDenied) {
  for (const bool no_new_privs : {true, false}) {
    for (const Stage stage : {Stage::Observe, Stage::Harden}) {
      const Bundle bundle(seen_by_both(), stage, no_new_privs);
      const Replay replay = bundle.replay(seen_by_both());
      EXPECT_THAT(denied(replay), IsEmpty());
      EXPECT_GE(replay.facts, 7U);
    }
  }
}

TEST(ReplayFiles, NamesEachAccessThatNoRuleAllows) {
  const Bundle bundle(seen_by_both());
  const Replay replay = bundle.replay(evidence_of(
      {with_files({file("/etc/app.conf", "rw"), file("/proc/99/status", "r"),
                   file("/etc/shadow", "r"),
                   file("/proc/7/status", "r", seen(1), true)}),
       with_files({file("/etc/app.conf", "r")}, "/bin/sh", Origin::Helper,
                  "/bin/app")}));
  EXPECT_THAT(denied(replay),
              ElementsAre("/bin/sh: file /etc/app.conf (r)",
                          "/bin/app: file /etc/app.conf (w)",
                          "/bin/app: file /etc/shadow (r)",
                          "/bin/app: file /proc/99/status (r)"));
  EXPECT_EQ(seccomp::to_string(replay.denials[0].outcome).find("EACCES") !=
                std::string::npos,
            true);
}

TEST(ReplayFiles, ARemovedRuleDeniesExactlyItsAccesses) {
  Bundle bundle(seen_by_both(), Stage::Harden, true);
  for (std::size_t i = 0; i < bundle.policy.files.size(); ++i) {
    Bundle cut = bundle;
    const FileRule rule = cut.policy.files[i];
    cut.policy.files.erase(cut.policy.files.begin() +
                           static_cast<std::ptrdiff_t>(i));
    const Replay replay = cut.replay(seen_by_both());
    // Two programs that share a profile may cover for each other.
    ASSERT_LE(replay.denials.size(), 1U) << rule.pattern;
    if (rule.pattern != "/bin/sh") {
      ASSERT_EQ(replay.denials.size(), 1U) << rule.pattern;
    }
  }
}

// An application that reads two of three files of an abstraction.
class WithAnInclude : public testing::Test {
 protected:
  WithAnInclude() {
    bundle.policy.abstractions = {
        {.name = "a",
         .rules = {{.pattern = "/etc/a", .access = "r"},
                   {.pattern = "/etc/b", .access = "r"},
                   {.pattern = "/etc/c", .access = "r"}}}};
  }

  evidence::Evidence seen = evidence_of({with_files(
      {file("/etc/a", "r"), file("/etc/b", "r"), file("/x", "r")})});
  Bundle bundle{seen};
};

TEST_F(WithAnInclude, ReplayJudgesWhatItGrants) {
  EXPECT_THAT(denied(bundle.replay(seen)), IsEmpty());
  const Replay replay = bundle.replay(evidence_of({with_files(
      {file("/etc/a", "rw"), file("/etc/c", "r"), file("/etc/d", "r")})}));
  EXPECT_THAT(denied(replay), ElementsAre("/bin/app: file /etc/a (w)",
                                          "/bin/app: file /etc/d (r)"));
}

TEST_F(WithAnInclude, ExplainNamesIt) {
  const auto seen_one = bundle.explain({"/etc/a", "r"}, seen);
  EXPECT_EQ(seen_one[0].permission, Permission::Allowed);
  EXPECT_THAT(seen_one[0].notes,
              ElementsAre("rule /etc/a r of include abstractions/a"));
  EXPECT_EQ(seen_one[0].reasons.size(), 1U);
  const auto more = bundle.explain({"/etc/c", "r"}, seen);
  EXPECT_EQ(more[0].permission, Permission::Allowed);
  EXPECT_THAT(more[0].reasons, IsEmpty());
  EXPECT_THAT(bundle.explain({"/x", "r"}, seen)[0].notes,
              ElementsAre("rule /x r"));
}

TEST_F(WithAnInclude, DiffShowsWhatItAdds) {
  const auto profile_of = [](const Policy& policy) {
    return apparmor::render(policy, *runtime::target_named("docker"),
                            Stage::Harden, {})
        ->profile.value();
  };
  const apparmor::Profile with = profile_of(bundle.policy);
  bundle.policy.abstractions.clear();
  const apparmor::Profile without = profile_of(bundle.policy);
  const auto more = files_beyond(with, without).value();
  ASSERT_EQ(more.size(), 1U);
  EXPECT_EQ(more[0].example, "/etc/c");
  EXPECT_THAT(files_beyond(without, with).value(), IsEmpty());
}

// An application and its helper, each with sockets and signals of its own.
evidence::Evidence talkers() {
  evidence::Process app =
      sample::process({sample::fact("socket", {{2, 1, 0}, {1, 2, 0}}),
                       sample::fact("socketpair", {{1, 1, 0}})});
  app.files = {file("/etc/app.conf", "r"), file("/bin/sh", "x")};
  app.signals = {{15, evidence::Side::Program, seen(3)},
                 {0, evidence::Side::Program, seen(1)}};
  evidence::Process helper = with_files({file("/etc/profile", "r")}, "/bin/sh",
                                        Origin::Helper, "/bin/app");
  helper.syscalls = {sample::fact("socket", {{16, 3, 0}})};
  helper.signals = {{15, evidence::Side::Program, seen(1)},
                    {40, evidence::Side::Program, seen(1)}};
  return evidence_of({app, helper});
}

TEST(ReplayTalk, OwnSocketsAndSignalsAreNeverDenied) {
  for (const bool no_new_privs : {true, false}) {
    const Bundle bundle(talkers(), Stage::Harden, no_new_privs);
    EXPECT_THAT(denied(bundle.replay(talkers())), IsEmpty());
  }
}

TEST(ReplayTalk, ARemovedSocketRuleIsNamedForItsProgram) {
  Bundle bundle(talkers());
  std::erase_if(bundle.policy.sockets, [](const SocketRule& rule) {
    return rule.family == "inet" || rule.family == "netlink";
  });
  const Replay replay = bundle.replay(talkers());
  EXPECT_THAT(denied(replay), ElementsAre("/bin/app: socket inet stream",
                                          "/bin/sh: socket netlink raw"));
  EXPECT_EQ(replay.denials[0].outcome,
            (seccomp::Outcome{seccomp::Action::Errno, 13}));
}

TEST(ReplayTalk, ASocketThatAProgramWasGivenIsJudgedAsOneThatItMade) {
  evidence::Evidence handed = talkers();
  for (evidence::Process& process : handed.processes) {
    if (process.key.exe == "/bin/sh") {
      process.network = {{.operation = "inherit",
                          .family = "unix",
                          .type = "stream",
                          .protocol = 0,
                          .address = "",
                          .port = 0,
                          .by = seen(1)}};
    }
  }
  EXPECT_THAT(denied(Bundle(handed).replay(handed)), IsEmpty());
  Bundle bundle(handed);
  std::erase_if(bundle.policy.sockets, [](const SocketRule& rule) {
    return rule.program == "/bin/sh" && rule.family == "unix";
  });
  EXPECT_THAT(denied(bundle.replay(handed)),
              ElementsAre("/bin/sh: socket unix stream"));
}

TEST(ReplayTalk, TypesOfOneFamilyAreToldApart) {
  Bundle bundle(talkers());
  std::erase_if(bundle.policy.sockets, [](const SocketRule& rule) {
    return rule.family == "unix" && rule.type == "dgram";
  });
  EXPECT_THAT(denied(bundle.replay(talkers())),
              ElementsAre("/bin/app: socket unix dgram"));
}

TEST(ReplayTalk, AFamilyThatWasNotRecordedNeedsARuleForAny) {
  evidence::Evidence light = talkers();
  light.processes[0].syscalls = {sample::fact("socket")};
  const Replay replay = Bundle(talkers()).replay(light);
  ASSERT_THAT(denied(replay), testing::IsSupersetOf({"/bin/app: socket any"}));
  EXPECT_THAT(replay.denials[0].doubt, HasSubstr("was not recorded"));
  EXPECT_THAT(denied(Bundle(light).replay(light)), IsEmpty());
  EXPECT_THAT(denied(Bundle(light).replay(talkers())),
              testing::Each(testing::Not(HasSubstr(": socket "))));
}

TEST(ReplayTalk, ARemovedSignalRuleIsNamedWhereNobodyMaySendItInstead) {
  Bundle apart(talkers());
  Bundle flat(talkers(), Stage::Harden, true);
  for (Bundle* bundle : {&apart, &flat}) {
    std::erase_if(bundle->policy.signals, [](const SignalRule& rule) {
      return rule.program.empty() && rule.signal == "term";
    });
  }
  EXPECT_THAT(denied(apart.replay(talkers())),
              ElementsAre("/bin/app: signal term"));
  EXPECT_THAT(denied(flat.replay(talkers())), IsEmpty());
  std::erase_if(apart.policy.signals,
                [](const SignalRule& rule) { return rule.signal != "exists"; });
  EXPECT_THAT(denied(apart.replay(talkers())),
              ElementsAre("/bin/sh: signal rtmin+8", "/bin/app: signal term",
                          "/bin/sh: signal term"));
}

TEST(ReplayTalk, ASignalToAProcessOutsideIsRefusedWhateverTheWorkloadSends) {
  evidence::Evidence outward = talkers();
  for (evidence::Process& process : outward.processes) {
    process.signals.push_back({15, evidence::Side::Outside, seen(2)});
  }
  for (const bool no_new_privs : {true, false}) {
    const Bundle bundle(outward, Stage::Harden, no_new_privs);
    EXPECT_THAT(
        denied(bundle.replay(outward)),
        ElementsAre(
            "/bin/app: signal term to a process outside of the workload",
            "/bin/sh: signal term to a process outside of the "
            "workload"));
  }
}

TEST(ReplayFiles, UnknownOwnersAreInDoubt) {
  const Bundle bundle(
      evidence_of({with_files({file("/home/x/f", "r", seen(1), true)})}));
  evidence::Process process = with_files({file("/home/x/f", "r")});
  process.files[0].owner = std::nullopt;
  const Replay replay = bundle.replay(evidence_of({process}));
  ASSERT_EQ(replay.denials.size(), 1U);
  EXPECT_THAT(replay.denials[0].doubt, HasSubstr("was not recorded"));
}

TEST(ExplainFiles, SaysByWhichRuleAndWhy) {
  const Bundle bundle(seen_by_both());
  const auto answers = bundle.explain({"/etc/app.conf", "r"}, seen_by_both());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_THAT(answers[0].what,
              testing::StartsWith("file /etc/app.conf (r) in profile app-"));
  EXPECT_EQ(answers[0].permission, Permission::Allowed);
  EXPECT_THAT(answers[0].notes, Contains("rule /etc/app.conf r"));
  ASSERT_EQ(answers[0].reasons.size(), 1U);
  ASSERT_EQ(answers[0].uses.size(), 1U);
  EXPECT_EQ(answers[0].uses[0].detail, "r");
}

TEST(ExplainFiles, ShowsWhatAPatternStandsFor) {
  const Bundle bundle(seen_by_both());
  const auto answers = bundle.explain({"/proc/99/status", "r"}, seen_by_both());
  EXPECT_EQ(answers[0].permission, Permission::Depends);
  EXPECT_THAT(answers[0].when, ElementsAre("the file is the process's own"));
  EXPECT_THAT(answers[0].notes,
              Contains(testing::StartsWith("wider: @{pid}, pid")));
  EXPECT_THAT(answers[0].notes, Contains("seen: /proc/12/status"));
}

TEST(ExplainFiles, EachProfileWithARuleAnswers) {
  const auto answers =
      Bundle(seen_by_both()).explain({"/bin/sh"}, seen_by_both());
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].permission, Permission::Depends);
  EXPECT_THAT(answers[0].when, ElementsAre("the access is x"));
  EXPECT_THAT(answers[1].what, testing::EndsWith("//sh"));
  EXPECT_THAT(answers[1].when,
              ElementsAre("the access is m", "the access is r"));
}

TEST(ExplainFiles, WhatIsRefusedSaysWhatWouldGrantIt) {
  const auto answers =
      Bundle(seen_by_both()).explain({"/etc/shadow", "wr"}, seen_by_both());
  EXPECT_EQ(answers[0].permission, Permission::Refused);
  EXPECT_THAT(answers[0].notes,
              Contains(HasSubstr("to grant it: vambrace review DIR add "
                                 "\"file /etc/shadow rw\" --why WHY")));
  EXPECT_THAT(answers[0].reasons, IsEmpty());
}

TEST(ExplainSignals, KnowWhomOneWasSentTo) {
  evidence::Process app = with_files({file("/etc/x", "r")});
  app.signals = {{18, evidence::Side::Outside, seen(2)},
                 {15, evidence::Side::Program, seen(1)}};
  const evidence::Evidence evidence = evidence_of({app});
  const Bundle bundle(evidence);
  const Answer outside = bundle.explain({"signal", "cont"}, evidence).at(0);
  EXPECT_EQ(outside.permission, Permission::Refused);
  ASSERT_EQ(outside.uses.size(), 1U);
  EXPECT_EQ(outside.uses[0].detail, "to a process outside of the workload");
  EXPECT_THAT(outside.notes, Contains(HasSubstr("no decision grants it")));
  const Answer own = bundle.explain({"signal", "term"}, evidence).at(0);
  EXPECT_EQ(own.permission, Permission::Allowed);
  EXPECT_EQ(own.uses.at(0).detail, "to a process of the workload");
  EXPECT_THAT(bundle.explain({"signal", "usr1"}, evidence).at(0).notes,
              Contains(HasSubstr("add \"signal usr1\" --why")));
}

// What the hint names is taken as a decision.
TEST(ExplainFiles, TheHintIsADecisionForAnyName) {
  const auto note = [](std::vector<std::string> words) {
    return Bundle(seen_by_both())
        .explain(std::move(words), seen_by_both())[0]
        .notes.back();
  };
  EXPECT_THAT(note({"/srv/a [1]", "r"}),
              HasSubstr("add 'file /srv/a \\[1\\] r' --why"));
  EXPECT_TRUE(parse_subject("file /srv/a \\[1\\] r"));
  EXPECT_THAT(note({"/srv/it's", "r"}), HasSubstr("'file /srv/it'\\''s r'"));
  EXPECT_THAT(note({"/usr/bin/x", "x"}),
              testing::EndsWith("to grant it, record a run that starts it"));
  EXPECT_THAT(note({"/usr/bin/x", "rx"}), HasSubstr("\"file /usr/bin/x r\""));
}

TEST(ExplainFiles, APathIsTheOneThatTheKernelWrites) {
  const auto path = [](const char* text) {
    const auto parsed = parse_question(std::vector<std::string>{text});
    return parsed ? parsed.value().path
                  : parsed.error().message() + "; " + parsed.error().hint();
  };
  EXPECT_EQ(path("//etc///passwd"), "/etc/passwd");
  EXPECT_EQ(path("/etc/./passwd"), "/etc/passwd");
  EXPECT_EQ(path("/srv/."), "/srv/");
  EXPECT_EQ(path("/srv//"), "/srv/");
  EXPECT_EQ(path("//"), "/");
  EXPECT_EQ(path("/..x/y.."), "/..x/y..");
  EXPECT_THAT(path("/etc/../etc/x"), HasSubstr("ask about /etc/x, if no link"));
  EXPECT_THAT(path("/../../a/.."), HasSubstr("ask about /, if no link"));
}

TEST(ExplainFiles, AFolderIsAnsweredWithoutItsSlashToo) {
  const evidence::Evidence evidence =
      evidence_of({with_files({file("/srv/cron/", "r"), file("/etc/x", "r")})});
  const Bundle bundle(evidence);
  const auto answers = bundle.explain({"/srv/cron", "r"}, evidence);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].permission, Permission::Refused);
  EXPECT_THAT(answers[1].what, testing::StartsWith("file /srv/cron/ (r)"));
  EXPECT_EQ(answers[1].permission, Permission::Allowed);
  EXPECT_EQ(answers[1].uses.size(), 1U);
  EXPECT_EQ(bundle.explain({"/srv/cron/", "r"}, evidence).size(), 1U);
  EXPECT_EQ(bundle.explain({"/etc/x/", "r"}, evidence).size(), 2U);
  EXPECT_EQ(bundle.explain({"/srv/cron", "w"}, evidence).size(), 1U);
}

TEST(ExplainFiles, RefusesWordsThatAreNoAccess) {
  const auto refusal = [](std::vector<std::string> words) {
    const auto parsed = parse_question(words);
    return parsed ? "accepted" : parsed.error().message();
  };
  EXPECT_THAT(refusal({"/x", "q"}), HasSubstr("is no access"));
  EXPECT_THAT(refusal({"/x", "r", "w"}), HasSubstr("a path and an access"));
  EXPECT_EQ(parse_question(std::vector<std::string>{"/a b\\x0ac"}).value().path,
            "/a b\nc");
}

// An application that mounts, and looks into its helper and outside.
evidence::Evidence mounters() {
  using evidence::Side;
  evidence::Process app =
      with_files({file("/etc/app.conf", "r"), file("/bin/sh", "x")});
  app.syscalls = {sample::fact("mount", {{0}}), sample::fact("ptrace", {{16}})};
  app.mounts = {{.operation = "mount",
                 .fstype = "tmpfs",
                 .options = {"rw"},
                 .source = "",
                 .target = "/a *b/",
                 .by = seen(1)},
                {.operation = "move",
                 .fstype = {},
                 .options = {},
                 .source = "/a *b/",
                 .target = "/c/",
                 .by = seen(1)}};
  app.traces = {
      {.access = "read",
       .other = Side::Program,
       .exe = "/bin/sh",
       .by = seen(2)},
      {.access = "read", .other = Side::Outside, .exe = {}, .by = seen(1)}};
  const evidence::Process helper = with_files(
      {file("/etc/profile", "r")}, "/bin/sh", Origin::Helper, "/bin/app");
  evidence::Evidence out = evidence_of({app, helper});
  for (const auto kind : {evidence::kMountProbe, evidence::kTraceProbe}) {
    out.recordings[0].probes.emplace(kind, "lsm/x");
  }
  return out;
}

TEST(ReplayMounts, OwnMountsAndLooksAreNeverDenied) {
  for (const bool no_new_privs : {true, false}) {
    const Bundle bundle(mounters(), Stage::Harden, no_new_privs);
    EXPECT_THAT(denied(bundle.replay(mounters())), IsEmpty());
  }
}

TEST(ReplayMounts, OthersAreNamed) {
  const Bundle bundle(mounters());
  evidence::Evidence other = mounters();
  evidence::Process& app = other.processes[0];
  ASSERT_EQ(app.mounts.size(), 2U);
  app.mounts[0].options = {"ro"};
  app.mounts[1].target = "/d/";
  ASSERT_EQ(app.traces.size(), 2U);
  app.traces[0].access = "trace";
  app.traces[1].access = "trace";
  EXPECT_THAT(
      denied(bundle.replay(other)),
      testing::UnorderedElementsAre(
          "/bin/app: mount tmpfs (ro) at /a *b/",
          "/bin/app: move /a *b/ at /d/", "/bin/app: ptrace trace /bin/sh",
          "/bin/app: ptrace trace a process outside"));
}

TEST(ReplayMounts, WhatIsNotKnownIsInDoubt) {
  const Bundle bundle(mounters());
  evidence::Evidence other = mounters();
  other.processes[0].mounts[0].target.reset();
  other.processes[0].traces[0].other = evidence::Side::Unknown;
  other.processes[0].traces[0].exe.clear();
  const Replay replay = bundle.replay(other);
  ASSERT_EQ(replay.denials.size(), 2U);
  for (const WouldBeDenial& denial : replay.denials) {
    EXPECT_THAT(denial.doubt, HasSubstr("was not recorded"));
  }
}

TEST(ReplayMounts, WhatWasRefusedWhenItWasRecordedIsInDoubt) {
  const Bundle bundle(mounters());
  evidence::Evidence other = mounters();
  evidence::Process& app = other.processes[0];
  app.mounts[0].options = {"ro"};
  for (evidence::SyscallFact& call : app.syscalls) {
    for (auto& [id, share] : call.by) {
      share.errnos["EPERM"] = share.count;
    }
  }
  const auto replayed = bundle.replay(other);
  ASSERT_EQ(replayed.denials.size(), 1U);
  EXPECT_THAT(replayed.denials[0].doubt, HasSubstr("refused it when"));
}

TEST(ExplainMounts, ACallTellsWhatAppArmorAllowsOfIt) {
  const auto answers = Bundle(mounters()).explain({"mount"}, mounters());
  ASSERT_FALSE(answers.empty());
  EXPECT_THAT(answers[0].notes,
              Contains("AppArmor allows: move /a \\\\*b/ at /c/"));
  EXPECT_THAT(Bundle(mounters()).explain({"ptrace"}, mounters())[0].notes,
              Contains("AppArmor allows: read a process outside"));
}

// "- pattern access example" lines of what one side has beyond the other.
std::vector<std::string> beyond(const std::vector<apparmor::FileRule>& one,
                                const std::vector<apparmor::FileRule>& other) {
  apparmor::Profile left{.rules = {.files = one}};
  apparmor::Profile right{.rules = {.files = other}};
  std::vector<std::string> out;
  for (const FilePermit& permit : files_beyond(left, right).value()) {
    out.push_back(
        fmt::format("{} {} {}", permit.pattern, permit.access, permit.example));
  }
  return out;
}

TEST(FileDifference, RulesThatSayTheSameAreNone) {
  const apparmor::Access read{.read = true};
  EXPECT_THAT(beyond({{.pattern = "/a/{b,c}", .access = read}},
                     {{.pattern = "/a/b", .access = read},
                      {.pattern = "/a/c", .access = read}}),
              IsEmpty());
  EXPECT_THAT(
      beyond({{.pattern = "/a/x", .access = read, .owner = true}},
             {{.pattern = "/a/**", .access = {.read = true, .write = true}}}),
      IsEmpty());
}

TEST(FileDifference, ShowsAPathThatTellsTheSidesApart) {
  const apparmor::Access read{.read = true};
  const apparmor::Access both{.read = true, .write = true};
  EXPECT_THAT(beyond({{.pattern = "/a/*", .access = both}},
                     {{.pattern = "/a/x*", .access = read},
                      {.pattern = "/a/*", .access = read}}),
              ElementsAre("/a/* w /a/x"));
  EXPECT_THAT(beyond({{.pattern = "/a/x", .access = read}},
                     {{.pattern = "/a/x", .access = read, .owner = true}}),
              ElementsAre("/a/x r /a/x"));
  EXPECT_THAT(
      beyond({{.pattern = "/bin/x", .exec = apparmor::Exec::Inherit}}, {}),
      ElementsAre("/bin/x mx /bin/x"));
}

}  // namespace
}  // namespace vambrace::policy
