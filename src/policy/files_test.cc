#include "policy/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/json.h"
#include "policy/samples.h"
#include "policy/synthesize.h"

namespace vambrace::policy {
namespace {

using evidence::FileFact;
using evidence::Origin;
using sample::evidence_of;
using sample::file;
using sample::seen;
using sample::with_files;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Policy policy_of(std::vector<evidence::Process> processes,
                 std::vector<Decision> decisions = {}) {
  return synthesize(evidence_of(std::move(processes)),
                    {.closures = {}, .decisions = std::move(decisions)})
      .value();
}

// "/x rw", "/bin/cat: /x r" for a helper, "owner /x r".
std::vector<std::string> rules(const Policy& policy) {
  std::vector<std::string> out;
  for (const FileRule& rule : policy.files) {
    out.push_back(fmt::format(
        "{}{}{} {}{}", rule.program.empty() ? "" : rule.program + ": ",
        rule.owner ? "owner " : "", rule.pattern, rule.access,
        !rule.starts           ? ""
        : rule.starts->empty() ? " -> main"
                               : " -> " + *rule.starts));
  }
  return out;
}

std::string finding(const Policy& policy, std::string_view id) {
  for (const Finding& one : policy.findings) {
    if (one.id == id) {
      return one.place + ": " + one.message;
    }
  }
  return "";
}

TEST(Files, BecomeRulesWithTheirReasons) {
  const Policy policy = policy_of(
      {with_files({file("/etc/app.conf", "r", seen(1, "startup")),
                   file("/etc/app.conf", "r", seen(2, "serving")),
                   file("/var/log/app.log", "ac")}),
       with_files({file("/root/secret", "r")}, "/bin/bash", Origin::Session),
       with_files({file("/work/test", "r")}, "/bin/pytest", Origin::Harness)});
  EXPECT_TRUE(policy.files_known);
  EXPECT_THAT(rules(policy),
              ElementsAre("/etc/app.conf r", "/var/log/app.log ac"));
  ASSERT_EQ(policy.files[0].reasons.size(), 1U);
  EXPECT_EQ(describe(policy.files[0].reasons[0]),
            "observed: /bin/app (app) in serving, startup");
}

TEST(Files, SayWhatAPatternAllowsMore) {
  const Policy policy = policy_of({with_files({file("/proc/12/status", "r")})});
  EXPECT_THAT(rules(policy), ElementsAre("/proc/@{pid}/status r"));
  ASSERT_EQ(policy.files[0].widened.size(), 1U);
  EXPECT_EQ(policy.files[0].widened[0].kind, "pid");
  EXPECT_EQ(policy.files[0].widened[0].pattern, "@{pid}");
  EXPECT_THAT(policy.files[0].widened[0].allows,
              HasSubstr("every other process"));
}

// Of 200 folders each has a page and a key of its own.
TEST(Files, ATreeOverKeysIsTold) {
  std::vector<evidence::FileFact> facts;
  for (int i = 0; i < 200; ++i) {
    const std::string folder =
        fmt::format("/srv/app/{}{}", char('a' + i / 20), char('a' + i % 20));
    facts.push_back(file((folder + "/priv.key").c_str(), "r"));
    facts.push_back(file((folder + "/page").c_str(), "r"));
  }
  const Policy policy = policy_of({with_files(std::move(facts))});
  EXPECT_THAT(rules(policy), ElementsAre("/srv/app/** r"));
  const auto told =
      std::ranges::find(policy.findings, "files-secret-tree", &Finding::id);
  ASSERT_NE(told, policy.findings.end());
  EXPECT_THAT(told->message, HasSubstr("/srv/app/aa/priv.key"));
}

TEST(Files, TheSameBehaviorAgainGivesTheSameBytes) {
  const auto recorded = [](const char* recording, const char* pid,
                           const char* temp) {
    return print(
        synthesize(
            evidence_of(
                {with_files({file(pid, "r", seen(1, "all", recording)),
                             file(temp, "crw", seen(3, "all", recording))})},
                recording))
            .value());
  };
  EXPECT_EQ(recorded("r1", "/proc/12/status", "/tmp/tmp.Xb3dE9fG2h"),
            recorded("r2", "/proc/4711/status", "/tmp/tmp.Qa8sD7fH1j"));
}

// Only together do they tell that the name is one of a temporary file.
TEST(Files, OneProgramMakesATemporaryFileAndAnotherRemovesIt) {
  const auto run = [](const char* name, const char* recording) {
    return evidence_of(
        {with_files({file(name, "crw", seen(1, "all", recording))}),
         with_files({file(name, "d", seen(1, "all", recording))}, "/bin/rm",
                    Origin::Helper, "/bin/app")},
        recording);
  };
  const auto both = evidence::merge(run("/srv/mine.abcdef", "r1"),
                                    run("/srv/mine.ghijkl", "r2"));
  EXPECT_THAT(rules(synthesize(both.value()).value()),
              ElementsAre("/srv/mine.@{random6} crw",
                          "/bin/rm: /srv/mine.@{random6} d"));
}

// The shell's own files are in a folder that one helper makes and another
// removes; of two drawn names one may look like a word.
TEST(Files, HelpersMakeAndRemoveAFolderWithADrawnName) {
  std::vector<FileFact> made;
  std::vector<FileFact> written;
  std::vector<FileFact> removed;
  for (const std::string folder :
       {"/srv/job.Bk8bnCP1/", "/srv/job.qwertyUI/"}) {
    made.push_back(file(folder.c_str(), "c"));
    written.push_back(file((folder + "top").c_str(), "cw"));
    removed.push_back(file(folder.c_str(), "d"));
  }
  EXPECT_THAT(
      rules(policy_of(
          {with_files(written),
           with_files(made, "/bin/mkdir", Origin::Helper, "/bin/app"),
           with_files(removed, "/bin/rm", Origin::Helper, "/bin/app")})),
      ElementsAre("/srv/job.@{random8}/top cw",
                  "/bin/mkdir: /srv/job.@{random8}/ c",
                  "/bin/rm: /srv/job.@{random8}/ d"));
  EXPECT_THAT(
      rules(policy_of({with_files(written)})),
      ElementsAre("/srv/job.Bk8bnCP1/top cw", "/srv/job.qwertyUI/top cw"));
}

// One name of seventeen that Python's tempfile draws has letters alone.
TEST(Files, PythonTriesAFolderByANameThatMayLookLikeAWord) {
  const auto of = [](std::vector<evidence::FileFact> files,
                     std::vector<evidence::FileFact> of_cat = {}) {
    return rules(
        policy_of({with_files(std::move(files), "/usr/bin/python3.11"),
                   with_files(std::move(of_cat), "/bin/cat", Origin::Helper,
                              "/usr/bin/python3.11")}));
  };
  EXPECT_THAT(of({file("/tmp/database", "cdrw")}),
              ElementsAre("/tmp/@{lower8} cdrw"));
  EXPECT_THAT(of({file("/srv/tmpdatabase.json", "cdrw")}),
              ElementsAre("/srv/tmp@{lower8}.json cdrw"));
  // No trial: kept, of another length, elsewhere, a folder, or told to another.
  for (const auto& [path, access] :
       {std::pair("/tmp/database", "crw"), std::pair("/tmp/databases", "cdrw"),
        std::pair("/srv/database", "cdrw"), std::pair("/tmp/database/", "cd"),
        std::pair("/root/tmpdatabase", "cdrw")}) {
    EXPECT_THAT(of({file(path, access)}),
                ElementsAre(fmt::format("{} {}", path, access)));
  }
  EXPECT_THAT(of({file("/tmp/database", "cdrw")}, {file("/tmp/database", "r")}),
              ElementsAre("/tmp/database cdrw", "/bin/cat: /tmp/database r"));
  EXPECT_THAT(rules(policy_of({with_files({file("/tmp/database", "cdrw")})})),
              ElementsAre("/tmp/database cdrw"));
}

// An entrypoint gives its data away at each start, and the data stays.
TEST(Files, WhatIsGivenAwayNeedNotBeOnesOwn) {
  const auto own = [](const char* path, const char* access) {
    return file(path, access, seen(1), true);
  };
  EXPECT_THAT(
      rules(policy_of(
          {with_files({own("/data/x", "crw"), own("/other", "r"),
                       own("/srv/f", "r"), own("/srvs", "r"), own("/srv/", "r"),
                       own("/gone", "o")}),
           with_files({own("/data/x", "o"), own("/srv/", "o")}, "/bin/chown",
                      Origin::Helper, "/bin/app"),
           with_files({own("/other", "o")}, "/bin/bash", Origin::Session)})),
      ElementsAre("/data/x crw", "/gone o", "owner /other r", "/srv/ r",
                  "/srv/f r", "owner /srvs r", "/bin/chown: /data/x o",
                  "/bin/chown: /srv/ o"));
}

// The kernel asks of each writer, who may be another user than the one who
// opened it: nginx's workers write the logs that root made.
TEST(Files, WhatIsAppendedToNeedNotBeOnesOwn) {
  const auto own = [](const char* path, const char* access) {
    evidence::FileFact fact = file(path, access);
    fact.owner = true;
    return fact;
  };
  EXPECT_THAT(rules(policy_of({with_files(
                  {own("/var/log/app.log", "ac"), own("/srv/data", "crw")})})),
              ElementsAre("owner /srv/data crw", "/var/log/app.log ac"));
}

TEST(Files, EachHelperHasItsOwn) {
  const Policy policy = policy_of(
      {with_files({file("/bin/cat", "x"), file("/bin/app", "mr")}),
       with_files(
           {file("/bin/cat", "mr"), file("/data", "r"), file("/bin/app", "x")},
           "/bin/cat", Origin::Helper, "/bin/app"),
       // An entrypoint and a probe begin under the container's profile.
       with_files({file("/entry", "r")}, "/bin/sh", Origin::Helper),
       with_files({file("/healthy", "r")}, "/bin/probe", Origin::Probe,
                  "/usr/bin/runc")});
  EXPECT_THAT(rules(policy),
              ElementsAre("/bin/app mr", "/bin/cat x -> /bin/cat", "/entry r",
                          "/healthy r", "/bin/cat: /bin/app x -> main",
                          "/bin/cat: /bin/cat mr", "/bin/cat: /data r"));
}

TEST(Files, AScriptThatItsInterpreterReadMayBeStarted) {
  evidence::Process script =
      with_files({file("/opt/hook", "r"), file("/etc/hook.conf", "r")},
                 "/bin/sh", Origin::Helper, "/bin/app");
  script.key.script = "/opt/hook";
  const Policy policy =
      policy_of({with_files({file("/bin/sh", "x")}), std::move(script)});
  EXPECT_THAT(rules(policy),
              ElementsAre("/bin/sh x -> /bin/sh", "/opt/hook x -> /bin/sh",
                          "/bin/sh: /etc/hook.conf r", "/bin/sh: /opt/hook r"));
  EXPECT_THAT(describe(policy.files[1].reasons[0]), HasSubstr("#!"));
}

evidence::Process interprets(std::string script, evidence::Process process) {
  process.key.script = std::move(script);
  return process;
}

Policy policy_of_told_scripts(std::vector<evidence::Process> processes) {
  evidence::Evidence evidence = evidence_of(std::move(processes));
  evidence.recordings[0].probes[std::string(evidence::kScriptProbe)] = "exec";
  return synthesize(evidence).value();
}

TEST(Files, AScriptThatWasExecutedIsStartedWhateverItWasCalled) {
  const Policy policy = policy_of_told_scripts(
      {with_files({file("/srv/real.sh", "x"), file("/bin/sh", "r")}),
       interprets("./link", with_files({file("/srv/real.sh", "r")}, "/bin/sh",
                                       Origin::Helper, "/bin/app"))});
  EXPECT_THAT(rules(policy),
              ElementsAre("/bin/sh r", "/srv/real.sh x -> /bin/sh",
                          "/bin/sh: /srv/real.sh r"));
}

TEST(Files, AScriptOfEnvIsStartedByWhoExecutedItAndRunsAsEnvFirst) {
  const Policy policy = policy_of_told_scripts(
      {with_files({file("/srv/job", "x")}),
       interprets("/srv/job",
                  with_files({file("/usr/bin/python3", "x")}, "/usr/bin/env",
                             Origin::Helper, "/bin/app")),
       interprets("/srv/job",
                  with_files({file("/srv/job", "r")}, "/usr/bin/python3",
                             Origin::Helper, "/usr/bin/env")),
       // Another script, of the same starter.
       interprets("/srv/other", with_files({file("/srv/other", "r")}, "/bin/sh",
                                           Origin::Helper, "/bin/app"))});
  EXPECT_THAT(
      rules(policy),
      ElementsAre("/srv/job x -> /usr/bin/env", "/bin/sh: /srv/other r",
                  "/usr/bin/env: /usr/bin/python3 x -> /usr/bin/python3",
                  "/usr/bin/python3: /srv/job r"));
}

TEST(Files, AScriptRunsAsWhoReadItElseWhoHandedItOnElseWhoHasItsName) {
  const auto helper = [](std::vector<evidence::FileFact> files, const char* exe,
                         const char* starter = "/bin/app") {
    return interprets(
        "job", with_files(std::move(files), exe, Origin::Helper, starter));
  };
  std::vector<evidence::Process> processes = {
      with_files({file("/srv/job", "x")}), helper({}, "/bin/bash"),
      helper({}, "/usr/bin/env")};
  const auto started = [&] { return rules(policy_of_told_scripts(processes)); };
  EXPECT_THAT(started(), ElementsAre("/srv/job x -> /bin/bash"));
  processes.push_back(
      helper({file("/srv/job", "r")}, "/usr/bin/python3", "/usr/bin/env"));
  EXPECT_THAT(started(), Contains("/srv/job x -> /usr/bin/env"));
  processes.push_back(helper({file("/srv/job", "r")}, "/bin/zsh"));
  EXPECT_THAT(started(), Contains("/srv/job x -> /bin/zsh"));
}

// All its starts by one program are one process, with the first script's name.
TEST(Files, EnvIsStartedForEveryScriptOfOneStarter) {
  const auto runs = [](const char* script, const char* exe) {
    return interprets(script, with_files({file(script, "r")}, exe,
                                         Origin::Helper, "/usr/bin/env"));
  };
  const Policy policy = policy_of_told_scripts(
      {with_files({file("/srv/a.pl", "x"), file("/srv/b.sh", "x"),
                   file("/srv/c.sh", "x")}),
       interprets("/srv/a.pl",
                  with_files({file("/usr/bin/bash", "x"), file("/bin/app", "x"),
                              file("/usr/bin/perl", "x")},
                             "/usr/bin/env", Origin::Helper, "/bin/app")),
       runs("/srv/a.pl", "/usr/bin/perl"), runs("/srv/b.sh", "/usr/bin/bash"),
       // The main program is an interpreter itself.
       runs("/srv/c.sh", "/bin/app")});
  EXPECT_THAT(
      rules(policy),
      ElementsAre("/srv/a.pl x -> /usr/bin/env", "/srv/b.sh x -> /usr/bin/env",
                  "/srv/c.sh rx -> /usr/bin/env", "/usr/bin/bash: /srv/b.sh r",
                  "/usr/bin/env: /bin/app x -> main",
                  "/usr/bin/env: /usr/bin/bash x -> /usr/bin/bash",
                  "/usr/bin/env: /usr/bin/perl x -> /usr/bin/perl",
                  "/usr/bin/perl: /srv/a.pl r"));
  EXPECT_EQ(finding(policy, "script-runner-unclear"), "");
}

TEST(Files, AScriptIsHandedOnByAnyNumberOfPrograms) {
  const auto helper = [](std::vector<evidence::FileFact> files, const char* exe,
                         const char* starter, const char* script = "") {
    return interprets(
        script, with_files(std::move(files), exe, Origin::Helper, starter));
  };
  // env -S nice -n 5 bash; find executes the same script.
  EXPECT_THAT(
      rules(policy_of_told_scripts(
          {with_files({file("/srv/job", "x"), file("/usr/bin/find", "x")}),
           helper({file("/srv/job", "x")}, "/usr/bin/find", "/bin/app"),
           helper({}, "/usr/bin/env", "/bin/app"),
           helper({}, "/usr/bin/env", "/usr/bin/find"),
           helper({}, "/usr/bin/nice", "/usr/bin/env"),
           helper({file("/srv/job", "r")}, "/bin/bash", "/usr/bin/nice",
                  "/srv/job")})),
      testing::IsSupersetOf({"/srv/job x -> /usr/bin/env",
                             "/usr/bin/find: /srv/job x -> /usr/bin/env"}));
}

// awk was first started with a program in its words, then by a script.
TEST(Files, WhoReadAScriptMayHaveBeenStartedWithoutOneFirst) {
  EXPECT_THAT(rules(policy_of_told_scripts(
                  {with_files({file("/srv/a.awk", "x"), file("/bin/awk", "x")}),
                   with_files({file("/srv/a.awk", "r")}, "/bin/awk",
                              Origin::Helper, "/bin/app")})),
              Contains("/srv/a.awk x -> /bin/awk"));
  // Nor need it be known as an interpreter where env starts it.
  EXPECT_THAT(rules(policy_of_told_scripts(
                  {with_files({file("/srv/a.awk", "x")}),
                   with_files({file("/bin/awk", "x")}, "/usr/bin/env",
                              Origin::Helper, "/bin/app"),
                   with_files({file("/srv/a.awk", "r")}, "/bin/awk",
                              Origin::Helper, "/usr/bin/env")})),
              Contains("/srv/a.awk x -> /usr/bin/env"));
}

TEST(Files, AShellReadsAScriptWithoutAFirstLineItself) {
  const std::vector<evidence::Process> processes = {
      with_files({file("/srv/n", "rx"), file("/bin/cat", "x")}),
      with_files({file("/etc/x", "r")}, "/bin/cat", Origin::Helper,
                 "/bin/app")};
  EXPECT_THAT(rules(policy_of_told_scripts(processes)),
              Contains("/srv/n rx -> main"));
}

TEST(Files, AnInterpreterThatIsNotCertainIsTold) {
  const auto helper = [](std::vector<evidence::FileFact> files, const char* exe,
                         const char* starter) {
    return interprets(
        "sh", with_files(std::move(files), exe, Origin::Helper, starter));
  };
  std::vector<evidence::Process> processes = {
      with_files({file("/srv/job", "x"), file("/usr/bin/timeout", "x")}),
      helper({}, "/usr/bin/env", "/bin/app"),
      helper({}, "/usr/bin/timeout", "/bin/app"),
      helper({file("/srv/job", "r")}, "/bin/bash", "/usr/bin/env"),
      helper({file("/srv/job", "r")}, "/bin/bash", "/usr/bin/timeout")};
  // timeout was executed by its own file: env alone can be the first line's.
  const auto is_clear = [&] {
    const Policy clear = policy_of_told_scripts(processes);
    EXPECT_THAT(rules(clear), Contains("/srv/job x -> /usr/bin/env"));
    EXPECT_EQ(finding(clear, "script-runner-unclear"), "");
  };
  is_clear();
  // So was env, but not each time.
  processes[0].files.push_back(file("/usr/bin/env", "x"));
  processes[0].execs = {{"/usr/bin/env", seen(2)},
                        {"/usr/bin/timeout", seen(1)}};
  is_clear();
  // And where env starts timeout, that is nearer to the starter in vain.
  processes[3].key.parent = "/usr/bin/timeout";
  processes.push_back(helper({}, "/usr/bin/timeout", "/usr/bin/env"));
  is_clear();
  processes.pop_back();
  processes[3].key.parent = "/usr/bin/env";
  processes[0].execs.clear();
  const Policy policy = policy_of_told_scripts(processes);
  EXPECT_THAT(rules(policy), Contains("/srv/job x -> /usr/bin/env"));
  EXPECT_THAT(finding(policy, "script-runner-unclear"),
              HasSubstr("/srv/job, and what was seen fits more than one "
                        "interpreter: /usr/bin/env is taken for it, and it may "
                        "be /usr/bin/timeout"));
}

TEST(Files, AScriptThatWasGivenToItsInterpreterIsNotStarted) {
  const Policy policy = policy_of_told_scripts(
      {with_files({file("/bin/sh", "x")}),
       interprets("/opt/hook", with_files({file("/opt/hook", "r")}, "/bin/sh",
                                          Origin::Helper, "/bin/app"))});
  EXPECT_THAT(rules(policy),
              ElementsAre("/bin/sh x -> /bin/sh", "/bin/sh: /opt/hook r"));
}

TEST(Files, WhereADescriptorCameFromIsNoAccess) {
  EXPECT_THAT(rules(policy_of({with_files({file("/dev/null", "irw")})})),
              ElementsAre("/dev/null rw"));
}

TEST(Files, OnNoMountNeedNoRuleUnlessSomethingIsAmiss) {
  const Policy quiet = policy_of({with_files(
      {file("pipefs:", "irw"), file("tmpfs:memfd:x", "rw"), file("/x", "r")})});
  EXPECT_THAT(rules(quiet), ElementsAre("/x r"));
  EXPECT_THAT(quiet.findings, IsEmpty());
  const Policy amiss = policy_of(
      {with_files({file("tmpfs:memfd:jit", "mr"), file("mqueue:q", "r")})});
  EXPECT_THAT(finding(amiss, "code-in-memory"), HasSubstr("tmpfs"));
  EXPECT_THAT(finding(amiss, "file-no-mount"), HasSubstr("mqueue"));
}

// AppArmor is asked at execve, by a path that all files in memory have.
TEST(Files, CodeInMemoryMayBeStartedWhereItWas) {
  const Policy policy = policy_of(
      {with_files({file("tmpfs:memfd:code", "x"), file("/", "r")}),
       with_files({file("tmpfs:memfd:code", "mr"), file("/etc/x", "r")},
                  "/memfd:code", Origin::Helper, "/bin/app")});
  EXPECT_THAT(rules(policy), ElementsAre("/ r", "/ x -> /memfd:code",
                                         "/memfd:code: /etc/x r"));
  EXPECT_TRUE(policy.files[1].disconnected);
  EXPECT_THAT(finding(policy, "code-in-memory"), HasSubstr("any may be"));
  EXPECT_EQ(finding(policy, "file-disconnected"), "");
  EXPECT_THAT(
      rules(policy_of(
          {with_files({file("tmpfs:memfd:code", "x"), file("/etc/x", "r")})},
          {{"file / x", "drop", "ann", "no"}})),
      ElementsAre("/etc/x r"));
}

TEST(Files, HandedOnForNothingNeedNoRule) {
  const Policy policy =
      policy_of({with_files({file("/a", "i"), file("/b", "ir")})});
  EXPECT_THAT(rules(policy), ElementsAre("/b r"));
}

TEST(Files, OutsideTheMountNamespaceAreTold) {
  const Policy policy = policy_of({with_files({file("disconnected:/x", "r")})});
  ASSERT_EQ(policy.files.size(), 1U);
  EXPECT_TRUE(policy.files[0].disconnected);
  EXPECT_EQ(policy.files[0].pattern, "/x");
  EXPECT_THAT(finding(policy, "file-disconnected"),
              HasSubstr("attach_disconnected"));
}

TEST(Files, ASecretWithAChangingNameStaysLiteralAndIsTold) {
  const Policy policy =
      policy_of({with_files({file("/proc/12/environ", "r")})});
  EXPECT_THAT(rules(policy), ElementsAre("/proc/12/environ r"));
  EXPECT_THAT(finding(policy, "file-changes-name"),
              HasSubstr("/proc/12/environ"));
}

TEST(Files, SecretsInFoldersByNumberAreToldTogether) {
  const Policy policy = policy_of({with_files(
      {file("/proc/12/environ", "r"), file("/proc/9/environ", "r")})});
  EXPECT_THAT(finding(policy, "file-changes-name"),
              HasSubstr("/proc/12/environ, /proc/9/environ look like names"));
}

TEST(Files, NoneAtAllIsUnknownNotNothing) {
  const Policy policy = policy_of({sample::process({sample::fact("read")})});
  EXPECT_FALSE(policy.files_known);
  EXPECT_NE(finding(policy, "files-unknown"), "");
  EXPECT_THAT(print(policy), HasSubstr("\"files\": null"));
  EXPECT_EQ(parse(print(policy)).value(), policy);
}

// Of a program that was recorded when its files were open already.
TEST(Files, WithoutAnyTheHintIsAboutHowItWasRecorded) {
  const auto hint = [](std::string kind) {
    evidence::Evidence evidence =
        evidence_of({sample::process({sample::fact("read")})});
    if (!kind.empty()) {
      evidence.recordings.front().verdict.gaps = {{std::move(kind), ""}};
    }
    const Policy policy = synthesize(evidence, {}).value();
    const auto found =
        std::ranges::find(policy.findings, "files-unknown", &Finding::id);
    return found == policy.findings.end() ? std::string() : found->hint;
  };
  EXPECT_THAT(hint("no_exit_probe"), HasSubstr("without --light"));
  EXPECT_THAT(hint("attached_late"), HasSubstr("from its start"));
  EXPECT_THAT(hint(""), Not(HasSubstr("--light")));
}

TEST(Files, CallsWhosePathsWereNotRecordedAreTold) {
  evidence::Process process = with_files({file("/x", "r")});
  process.syscalls = {sample::fact("unlink"),
                      sample::fact("rename", sample::failed(2, "ENOENT")),
                      sample::fact("mount"), sample::fact("bind")};
  evidence::Evidence evidence = evidence_of({process});
  EXPECT_THAT(finding(synthesize(evidence).value(), "paths-unknown"),
              HasSubstr("files: unlink: which paths"));
  EXPECT_THAT(finding(synthesize(evidence).value(), "mounts-unknown"),
              HasSubstr("mount: what was"));
  evidence.recordings[0].probes[std::string(evidence::kPathProbe)] = "lsm";
  EXPECT_EQ(finding(synthesize(evidence).value(), "paths-unknown"), "");
}

TEST(Files, ALockOfADescriptorThatWasHandedOnIsAskedOfItsOpenerToo) {
  const Policy policy = policy_of(
      {with_files({file("/run/lock", "cw"), file("/run/other", "w"),
                   file("/bin/flock", "x")}),
       with_files({file("/run/lock", "iw"), file("/run/lock", "k"),
                   file("/run/other", "iw"), file("/run/own", "kw")},
                  "/bin/flock", evidence::Origin::Helper, "/bin/app")});
  std::vector<std::string> main;
  for (const FileRule& rule : policy.files) {
    if (rule.program.empty()) {
      main.push_back(rule.pattern + " " + rule.access);
    }
  }
  EXPECT_THAT(main,
              ElementsAre("/bin/flock x", "/run/lock ckw", "/run/other w"));
}

TEST(Files, PeopleAddAndDropRules) {
  const auto decided = [](const char* what, const char* choice) {
    return policy_of(
        {with_files({file("/x", "rw")})},
        {{.what = what, .choice = choice, .who = "ann", .why = "w"}});
  };
  const Policy added = decided("file /var/lib/a b/temp-*.rdb wdr", "add");
  EXPECT_THAT(rules(added),
              ElementsAre("/var/lib/a b/temp-*.rdb drw", "/x rw"));
  EXPECT_EQ(describe(added.files[0].reasons[0]), "decision: add by ann: w");
  EXPECT_THAT(rules(decided("file /x w", "drop")), ElementsAre("/x r"));
  EXPECT_THAT(rules(decided("file /x rw", "drop")), IsEmpty());
  EXPECT_EQ(decided("file /x r", "keep").files[0].reasons.size(), 2U);
}

TEST(Files, ADropTakesEveryLetterThatAppArmorDoesNotTellApart) {
  const Policy policy = policy_of({with_files({file("/x", "crw")})},
                                  {{"file /x w", "drop", "ann", "no"}});
  EXPECT_THAT(rules(policy), ElementsAre("/x r"));
  ASSERT_EQ(policy.denied.size(), 1U);
  EXPECT_EQ(policy.denied[0].access, "acdopw");
}

TEST(Files, ADropHoldsForWiderAndNarrowerPatterns) {
  const auto dropped = [](const char* what) {
    return policy_of(
        {with_files({file("/x/a", "rw")})},
        {{"file /x/* rw", "add", "ann", "any"}, {what, "drop", "ann", "no"}});
  };
  const Policy within = dropped("file /x/a w");
  EXPECT_THAT(rules(within), ElementsAre("/x/* rw", "/x/a r"));
  EXPECT_EQ(within.denied.at(0).pattern, "/x/a");
  EXPECT_THAT(rules(dropped("file /x/** w")), ElementsAre("/x/* r", "/x/a r"));
}

TEST(Files, ALaterAddTakesADropBack) {
  const Policy policy = policy_of(
      {with_files({file("/x", "r")})},
      {{"file /x r", "drop", "ann", "no"}, {"file /x r", "add", "ann", "yes"}});
  EXPECT_THAT(rules(policy), ElementsAre("/x r"));
  EXPECT_THAT(policy.denied, IsEmpty());
}

TEST(Files, PeopleAddAndDropSocketsAndSignals) {
  evidence::Process process = with_files({file("/x", "r")});
  process.syscalls = {sample::fact("socket", {{2, 1, 0}, {2, 2, 0}})};
  process.signals = {{15, evidence::Side::Program, sample::seen(1)}};
  const auto decided = [&](const char* what, const char* choice) {
    const Policy policy =
        policy_of({process},
                  {{.what = what, .choice = choice, .who = "ann", .why = "w"}});
    std::string out;
    for (const SocketRule& rule : policy.sockets) {
      out += fmt::format("{} {} {}, ", rule.family, rule.type,
                         rule.reasons.size());
    }
    for (const SignalRule& rule : policy.signals) {
      out += fmt::format("{} {}, ", rule.signal, rule.reasons.size());
    }
    return out;
  };
  EXPECT_EQ(decided("network inet dgram", "drop"), "inet stream 1, term 1, ");
  EXPECT_EQ(decided("network inet", "drop"), "term 1, ");
  EXPECT_EQ(decided("network unix dgram", "add"),
            "inet dgram 1, inet stream 1, unix dgram 1, term 1, ");
  EXPECT_EQ(decided("network inet stream", "keep"),
            "inet dgram 1, inet stream 2, term 1, ");
  EXPECT_EQ(decided("signal term", "drop"), "inet dgram 1, inet stream 1, ");
  EXPECT_EQ(decided("signal rtmin+2", "add"),
            "inet dgram 1, inet stream 1, rtmin+2 1, term 1, ");
}

TEST(Files, ADecisionThatNamesNoRuleIsRefused) {
  const auto refusal = [](const char* what, const char* choice) {
    const auto made =
        synthesize(evidence_of({with_files({file("/x", "r")})}),
                   {.closures = {}, .decisions = {{what, choice, "ann", "w"}}});
    return made ? "accepted" : made.error().message();
  };
  EXPECT_THAT(refusal("file x r", "add"), HasSubstr("names no file rule"));
  EXPECT_THAT(refusal("network ine stream", "drop"),
              HasSubstr("unknown socket family"));
  EXPECT_THAT(refusal("network inet strem", "drop"),
              HasSubstr("unknown socket type"));
  EXPECT_THAT(refusal("signal rtmin+33", "drop"), HasSubstr("unknown signal"));
  EXPECT_THAT(refusal("signal term", "dorp"), HasSubstr("unknown choice"));
  EXPECT_THAT(refusal("file /x", "add"), HasSubstr("names no file rule"));
  EXPECT_THAT(refusal("file /x z", "add"), HasSubstr("names no file rule"));
  for (const char* path :
       {"//x", "/srv//x", "/srv/./x", "/srv/../x", "/srv/.."}) {
    EXPECT_THAT(refusal(fmt::format("file {} r", path).c_str(), "add"),
                HasSubstr("fits no path"))
        << path;
  }
  EXPECT_THAT(refusal("file /[x r", "drop"),
              testing::StartsWith("decision \"file /[x r\": "));
  EXPECT_THAT(refusal("file /@{none} r", "add"), HasSubstr("no variable"));
  EXPECT_THAT(refusal("file /x x", "add"), HasSubstr("not added by hand"));
}

TEST(Sockets, BecomeRulesByFamilyAndType) {
  evidence::Process process = sample::process(
      {sample::fact("socket", {{2, 0x80801, 6}, {2, 1, 0}, {16, 3, 0}}),
       sample::fact("socketpair", {{1, 1, 0}})});
  const Policy policy = policy_of({process});
  std::vector<std::string> made;
  for (const SocketRule& rule : policy.sockets) {
    made.push_back(rule.family + " " + rule.type);
  }
  EXPECT_THAT(made, ElementsAre("inet stream", "netlink raw", "unix stream"));
  const Policy unseen = policy_of({sample::process({sample::fact("socket")})});
  ASSERT_EQ(unseen.sockets.size(), 1U);
  EXPECT_EQ(unseen.sockets[0].family, "");
  EXPECT_NE(finding(unseen, "socket-family-unknown"), "");
}

evidence::NetworkFact given(const char* family, const char* type) {
  return {.operation = "inherit",
          .family = family,
          .type = type,
          .protocol = 0,
          .address = "",
          .port = 0,
          .by = seen(1)};
}

TEST(Sockets, ThatAProgramWasGivenNeedTheSameRulesAsThoseItMakes) {
  evidence::Process app = sample::process({sample::fact("accept4")});
  app.network = {given("inet", "stream"), given("31", "seqpacket")};
  app.network.push_back({.operation = "listen", .by = seen(1)});
  app.files = {file("/bin/cat", "x")};
  evidence::Process helper = with_files({file("/etc/x", "r")}, "/bin/cat",
                                        evidence::Origin::Helper, "/bin/app");
  helper.network = {given("unix", "stream"), given("unix", "6")};
  const Policy policy = policy_of({app, helper});
  std::vector<std::string> made;
  for (const SocketRule& rule : policy.sockets) {
    made.push_back(rule.program + ":" + rule.family + " " + rule.type);
    EXPECT_EQ(rule.reasons.size(), 1U);
  }
  EXPECT_THAT(made, ElementsAre(":bluetooth seqpacket", ":inet stream",
                                "/bin/cat:unix ", "/bin/cat:unix stream"));
  EXPECT_EQ(finding(policy, "socket-family-unknown"), "");
  app.network = {given("77", "stream")};
  EXPECT_NE(finding(policy_of({app}), "socket-family-unknown"), "");
}

TEST(Signals, BecomeRulesByName) {
  evidence::Process process = sample::process({sample::fact("kill")});
  for (const std::uint32_t number : {15, 0, 35, 99}) {
    process.signals.push_back({number, evidence::Side::Program, seen(1)});
  }
  const Policy policy = policy_of({process});
  std::vector<std::string> made;
  for (const SignalRule& rule : policy.signals) {
    made.push_back(rule.signal);
  }
  EXPECT_THAT(made, ElementsAre("exists", "rtmin+3", "term"));
  EXPECT_EQ(finding(policy, "signal-outside"), "");
  EXPECT_EQ(finding(policy, "signal-receiver-unknown"), "");
}

TEST(Signals, ToProcessesOutsideAreToldAndHaveNoRule) {
  evidence::Process process = sample::process({sample::fact("kill")});
  process.signals = {{15, evidence::Side::Outside, seen(1)},
                     {18, evidence::Side::Outside, seen(1)},
                     {15, evidence::Side::Program, seen(1)},
                     {1, evidence::Side::Unknown, seen(1)}};
  const Policy policy = policy_of({process});
  std::vector<std::string> made;
  for (const SignalRule& rule : policy.signals) {
    made.push_back(rule.signal);
  }
  EXPECT_THAT(made, ElementsAre("hup", "term"));
  EXPECT_THAT(finding(policy, "signal-outside"), HasSubstr("(cont, term)"));
  EXPECT_THAT(finding(policy, "signal-receiver-unknown"), HasSubstr("(hup)"));
}

}  // namespace
}  // namespace vambrace::policy
