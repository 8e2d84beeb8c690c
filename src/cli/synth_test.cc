#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/captured.h"
#include "evidence/json.h"
#include "policy/samples.h"

namespace vambrace::cli {
namespace {

using policy::sample::fact;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kFirst(32, '1');
const std::string kSecond(32, '2');

std::string file(const std::string& id,
                 std::vector<evidence::SyscallFact> facts,
                 std::vector<evidence::Gap> gaps = {}) {
  for (evidence::SyscallFact& one : facts) {
    one.by = policy::sample::seen(3, "serving", id.c_str());
  }
  evidence::Evidence out = policy::sample::evidence_of(
      {policy::sample::process(std::move(facts))}, id.c_str());
  out.recordings[0].verdict = evidence::judge(std::move(gaps));
  return evidence::print(out);
}

Captured world() {
  Captured out;
  out.files.files["a.json"] =
      file(kFirst, {fact("read"), fact("socket", {{1, 1, 0}})});
  out.files.files["b.json"] =
      file(kSecond, {fact("read"), fact("splice")}, {{"map_full", "syscalls"}});
  return out;
}

TEST(Synth, WritesABundleThatReplaysItsOwnEvidence) {
  Captured w = world();
  EXPECT_EQ(w.run({"synth", "a.json", "b.json", "-o", "out"}), 0)
      << w.output.error;
  for (const char* name : {"bundle.yaml", "policy.json", "seccomp.json",
                           "capabilities.json", "CHANGELOG.md"}) {
    EXPECT_TRUE(w.files.exists(std::string("out/") + name)) << name;
  }
  EXPECT_THAT(w.output.answer, HasSubstr("in the kernel's table, 1 with"));
  EXPECT_THAT(w.output.answer, HasSubstr("incomplete (map_full)"));
  EXPECT_THAT(w.output.answer, HasSubstr("next: vambrace replay out"));
  EXPECT_THAT(w.output.answer,
              HasSubstr("--security-opt no-new-privileges --cap-drop ALL"));
  EXPECT_THAT(w.files.files["out/bundle.yaml"], HasSubstr("target: docker\n"));
  EXPECT_EQ(w.run({"replay", "out"}), 0) << w.output.answer;
}

TEST(Synth, KeepsInOneCopyWhatFilesOfOneNameHold) {
  Captured w = world();
  w.files.files["c.json"] = file(std::string(32, '3'), {fact("mkdir")});
  ASSERT_EQ(w.run({"evidence", "merge", "a.json", "b.json", "-o", "ab.json"}),
            0);
  ASSERT_EQ(w.run({"evidence", "merge", "a.json", "c.json", "-o", "ac.json"}),
            0);
  ASSERT_EQ(w.run({"evidence", "merge", "ab.json", "ac.json", "-o", "all"}), 0);
  EXPECT_EQ(w.run({"synth", "ab.json", "ac.json", "ab.json", "-o", "out"}), 0)
      << w.output.error;
  EXPECT_THAT(w.output.answer, HasSubstr("evidence/" + kFirst + "-and-1.json"));
  EXPECT_EQ(w.files.files["out/evidence/" + kFirst + "-and-1.json"],
            w.files.files["all"]);
  std::string& changed = w.files.files["ac.json"];
  changed.replace(changed.find("\"count\": 3"), 10, "\"count\": 4");
  EXPECT_EQ(w.run({"synth", "ab.json", "ac.json", "-o", "other"}), 2);
  EXPECT_THAT(w.output.error, HasSubstr("ac.json"));
}

// a.json, started as user 101 and writing in a folder.
Captured world_that_writes() {
  Captured w;
  evidence::Process app = policy::sample::process({fact("read")});
  const evidence::By by = policy::sample::seen(1, "serving", kFirst.c_str());
  app.syscalls[0].by = by;
  app.users = {{.uid = 101, .gid = 102, .by = by}};
  app.files = {{.path = "/run/x", .access = "cw", .by = by},
               {.path = "/data/x", .access = "cw", .by = by}};
  w.files.files["a.json"] =
      evidence::print(policy::sample::evidence_of({app}, kFirst.c_str()));
  return w;
}

TEST(SecurityContext, IsWrittenToldAndExplained) {
  Captured w = world_that_writes();
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0) << w.output.error;
  EXPECT_THAT(w.output.answer,
              HasSubstr("container     user 101:102, read-only root, 2 folders "
                        "in memory\n"));
  EXPECT_THAT(w.files.files["out/docker.args"],
              HasSubstr("--user=101:102\n--read-only\n--tmpfs=/data:"));
  EXPECT_EQ(w.run({"explain", "out", "container"}), 0) << w.output.error;
  EXPECT_THAT(w.output.answer,
              HasSubstr("/run: in memory, empty at each start\n    because "
                        "observed: /bin/app (app) in serving\n"));
  EXPECT_EQ(w.run({"explain", "out", "container", "--json"}), 0);
  EXPECT_THAT(w.output.answer, HasSubstr("\"uid\": 101"));
  w.run({"lint", "out"});
  EXPECT_THAT(w.output.answer, HasSubstr("[memory-forgets]"));
}

TEST(SecurityContext, LeavesVolumesOfBundleYamlToTheContainer) {
  Captured w = world_that_writes();
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0) << w.output.error;
  std::string& yaml = w.files.files["out/bundle.yaml"];
  const std::string_view none = "volumes: []";
  yaml.replace(yaml.find(none), none.size(), "volumes: [/data]");
  ASSERT_EQ(w.run({"synth", "-o", "out"}), 0) << w.output.error;
  EXPECT_THAT(w.files.files["out/docker.args"], Not(HasSubstr("/data")));
}

TEST(SecurityContext, NamesTheAppArmorProfileOnceTheTargetHasAppArmor) {
  Captured w = world_that_writes();
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0) << w.output.error;
  EXPECT_THAT(w.output.answer, HasSubstr("no engine is told of profile"));
  EXPECT_THAT(w.files.files["out/docker.args"], Not(HasSubstr("apparmor")));
  std::string& yaml = w.files.files["out/bundle.yaml"];
  const std::string_view plain = "target: docker\n";
  yaml.replace(yaml.find(plain), plain.size(),
               "target: {name: docker, apparmor: true}\n");
  ASSERT_EQ(w.run({"synth", "-o", "out"}), 0) << w.output.error;
  const std::string& profile = w.files.files["out/apparmor.profile"];
  const std::size_t at = profile.find("\nprofile ") + 9;
  const std::string name = profile.substr(at, profile.find(' ', at) - at);
  const std::string option = "--security-opt=apparmor=" + name + "\n";
  EXPECT_THAT(w.output.answer, HasSubstr("vambrace apparmor load out\n"));
  EXPECT_THAT(w.files.files["out/docker.args"], HasSubstr(option));
  EXPECT_THAT(w.files.files["out/securitycontext.yaml"],
              HasSubstr("localhostProfile: \"" + name + "\""));
  EXPECT_THAT(w.files.files["out/compose.override.yaml"],
              HasSubstr("\"apparmor:" + name + "\""));
  EXPECT_EQ(w.run({"explain", "out", "container"}), 0) << w.output.error;
  EXPECT_THAT(w.output.answer, HasSubstr("under AppArmor profile " + name));
  EXPECT_EQ(w.run({"synth", "-o", "out", "--target", "podman"}), 0);
  EXPECT_THAT(w.files.files["out/quadlet.conf"], HasSubstr("=apparmor="))
      << "another engine, the same hosts";
}

// a.json, that reads two files of an abstraction of a host in aa/.
Captured world_with_abstractions() {
  Captured w;
  evidence::Process app = policy::sample::process({fact("read")});
  const evidence::By by = policy::sample::seen(1, "serving", kFirst.c_str());
  app.syscalls[0].by = by;
  for (const char* path : {"/etc/a", "/etc/b", "/proc/stat"}) {
    app.files.push_back({.path = path, .access = "r", .by = by});
  }
  w.files.files = {
      {"a.json",
       evidence::print(policy::sample::evidence_of({app}, kFirst.c_str()))},
      {"aa/abstractions/fits", "/etc/{a,b} r,\n@{PROC}/stat r,\n/etc/c r,\n"},
      {"aa/abstractions/other", "/etc/a r,\n/etc/b r,\ndbus,\n"},
      {"aa/abstractions/wide", "/etc/** r,\n"},
      {"aa/tunables/global", "@{PROC}=/proc/\n"}};
  return w;
}

TEST(Synth, IncludesAbstractionsOnlyWhenAsked) {
  Captured w = world_with_abstractions();
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0) << w.output.error;
  const std::string& profile = w.files.files["out/apparmor.profile"];
  EXPECT_THAT(profile, Not(HasSubstr("include")));
  ASSERT_EQ(w.run({"synth", "-o", "out", "--abstractions", "aa"}), 0)
      << w.output.error;
  EXPECT_THAT(w.output.answer, HasSubstr("some by include of fits\n"));
  EXPECT_THAT(w.output.answer,
              HasSubstr("abstractions/fits: stands for 3 rules (/etc/a, "
                        "/etc/b, /proc/stat); 1 of its 3 rules let more be "
                        "read, such as /etc/c"));
  EXPECT_THAT(profile, HasSubstr("@{PROC}=/proc/\n"));
  EXPECT_THAT(profile, HasSubstr("  include <abstractions/fits> # "));
  EXPECT_THAT(w.files.files["out/bundle.yaml"],
              testing::EndsWith("abstractions:\n  - fits\n"));
  EXPECT_EQ(w.run({"replay", "out"}), 0) << w.output.answer;
}

TEST(Synth, KeepsWhatAnAbstractionHeldInTheBundle) {
  Captured w = world_with_abstractions();
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out", "--abstractions", "aa"}), 0)
      << w.output.error;
  w.files.files["aa/abstractions/fits"] += "/etc/d r,\n";
  const auto before = w.files.files;
  ASSERT_EQ(w.run({"synth", "-o", "out"}), 0) << w.output.error;
  EXPECT_EQ(w.files.files, before) << "the host was not asked again";
  const std::string old = w.files.files["out/apparmor.profile"];
  ASSERT_EQ(w.run({"synth", "-o", "out", "--abstractions", "aa"}), 0);
  EXPECT_NE(w.files.files["out/apparmor.profile"], old);
}

TEST(Synth, IncludesWhatBundleYamlNamesAndSaysWhatItDoesNotKnow) {
  Captured w = world_with_abstractions();
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out", "--abstractions", "aa"}), 0)
      << w.output.error;
  std::string& yaml = w.files.files["out/bundle.yaml"];
  yaml.replace(yaml.find("- fits"), 6, "- else");
  EXPECT_EQ(w.run({"synth", "-o", "out"}), 2);
  EXPECT_THAT(w.output.error, HasSubstr("names the abstraction else"));
  EXPECT_THAT(w.output.error, HasSubstr("--abstractions /etc/apparmor.d"));
  yaml.erase(yaml.find("abstractions:"));
  ASSERT_EQ(w.run({"synth", "-o", "out"}), 0) << w.output.error;
  EXPECT_THAT(w.files.files["out/apparmor.profile"], Not(HasSubstr("include")));
  EXPECT_THAT(w.files.files["out/policy.json"], Not(HasSubstr("\"fits\"")));
}

TEST(Synth, SaysWhenNoAbstractionFits) {
  Captured w = world_with_abstractions();
  w.files.files.erase("aa/abstractions/fits");
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out", "--abstractions", "aa"}), 0)
      << w.output.error;
  EXPECT_THAT(w.output.answer,
              HasSubstr("apparmor: aa: none of 1 abstraction fits; 1 more"));
  EXPECT_EQ(w.run({"synth", "-o", "out", "--abstractions", "none"}), 2);
  EXPECT_THAT(w.output.error, HasSubstr("none: no abstractions in it"));
}

TEST(Synth, TellsReasonsAndExamplesInTheProfileOnRequest) {
  Captured w;
  evidence::Process app = policy::sample::process({fact("read")});
  const evidence::By by = policy::sample::seen(1, "serving", kFirst.c_str());
  app.syscalls[0].by = by;
  for (const char* path :
       {"/proc/123/stat", "/proc/1234/stat", "/etc/app.conf"}) {
    app.files.push_back({.path = path, .access = "r", .by = by});
  }
  w.files.files["a.json"] =
      evidence::print(policy::sample::evidence_of({app}, kFirst.c_str()));
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out", "--target", "process"}), 0)
      << w.output.error;
  const std::string plain = w.files.files["out/apparmor.profile"];
  ASSERT_EQ(w.run({"synth", "-o", "out", "--comments"}), 0) << w.output.error;
  std::string& told = w.files.files["out/apparmor.profile"];
  EXPECT_THAT(told, HasSubstr("  # observed: /bin/app (app) in serving\n"));
  EXPECT_THAT(told, HasSubstr("  # such as /proc/123/stat\n"));
  EXPECT_THAT(plain, Not(HasSubstr("such as")));
  // What is enforced is the same, and only that counts as an edit.
  const std::vector<std::string> start = {"run", "out", "--dry-run", "--",
                                          "/bin/true"};
  EXPECT_EQ(w.run(start), 0) << w.output.error;
  told.replace(told.find("/etc/app.conf r"), 15, "/etc/app.conf w");
  EXPECT_EQ(w.run(start), 3);
  EXPECT_THAT(w.output.error, HasSubstr("out/apparmor.profile is not what"));
  ASSERT_EQ(w.run({"synth", "-o", "out"}), 0) << w.output.error;
  EXPECT_EQ(told, plain);
}

TEST(Synth, NamesNotEachOfManyRecordings) {
  Captured w;
  std::vector<std::string> words = {"synth", "-o", "out"};
  for (int i = 10; i < 81; ++i) {
    const std::string id = fmt::format("{:032}", i);
    const std::string name = fmt::format("{}.json", i);
    w.files.files[name] = file(id, {fact("read")});
    words.push_back(name);
  }
  ASSERT_EQ(w.run(words), 0) << w.output.error;
  EXPECT_THAT(w.output.answer, HasSubstr("systemd.conf, 71 in evidence/\n"));
  EXPECT_THAT(w.output.answer, HasSubstr("82 written: CHANGELOG.md, "));
  w.files.files["a.json"] = file(kFirst, {fact("read"), fact("kill")});
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0) << w.output.error;
  EXPECT_THAT(w.output.answer, HasSubstr("evidence/" + kFirst + ".json, "));
}

TEST(SecurityContext, AnEditedFileIsTold) {
  Captured w = world_that_writes();
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0) << w.output.error;
  const std::vector<std::string> start = {"run",    "out", "--dry-run", "--",
                                          "docker", "run", "image"};
  EXPECT_EQ(w.run(start), 0) << w.output.error;
  w.files.files["out/docker.args"] += "--privileged\n";
  EXPECT_EQ(w.run(start), 3);
  EXPECT_THAT(w.output.error, HasSubstr("out/docker.args is not what"));
  w.files.files.erase("out/docker.args");
  EXPECT_EQ(w.run(start), 0) << w.output.error;
}

TEST(EditedBundle, IsNeitherRunNorAttestedAndFailsItsProof) {
  Captured w = world();
  ASSERT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0) << w.output.error;
  const std::vector<std::string> start = {"run",    "out", "--dry-run", "--",
                                          "docker", "run", "image"};
  EXPECT_EQ(w.run(start), 0) << w.output.error;
  std::string& profile = w.files.files["out/seccomp.json"];
  const std::size_t at = profile.find("\"read\"");
  ASSERT_NE(at, std::string::npos);
  profile.replace(at, 6, "\"bpf\"");
  w.output = {};
  EXPECT_EQ(w.run(start), 3);
  EXPECT_THAT(w.output.error, HasSubstr("out/seccomp.json is not what"));
  EXPECT_THAT(w.output.error, HasSubstr("hint: vambrace synth -o out"));
  EXPECT_EQ(w.run({"attest", "out", "--pid", "1", "--no-filter"}), 3);
  w.output = {};
  EXPECT_EQ(w.run({"verify", "out", "--workload", "x", "--", "true"}), 1);
  EXPECT_THAT(w.output.answer, HasSubstr("failed    out/seccomp.json"));
  EXPECT_EQ(w.run({"replay", "out"}), 1);
  EXPECT_THAT(w.output.answer, HasSubstr("finding: out/seccomp.json"));
  EXPECT_EQ(w.run({"synth", "-o", "out"}), 0) << w.output.error;
  EXPECT_EQ(w.run(start), 0) << w.output.error;
}

TEST(Synth, RefusesEvidenceWithoutAnythingOfTheApplication) {
  evidence::Evidence evidence = policy::sample::evidence_of(
      {policy::sample::process({fact("read")})}, kFirst.c_str());
  evidence.processes[0].syscalls[0].by =
      policy::sample::seen(1, "serving", kFirst.c_str());
  for (const evidence::Origin origin :
       {evidence::Origin::Harness, evidence::Origin::Runtime}) {
    evidence.processes[0].key.origin = origin;
    Captured w;
    w.files.files["a.json"] = evidence::print(evidence);
    EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 2) << w.output.answer;
    EXPECT_THAT(w.output.error, HasSubstr("would deny everything"));
    EXPECT_THAT(w.output.error, HasSubstr("--workload NAME"));
    EXPECT_THAT(w.files.written, IsEmpty());
  }
}

TEST(Synth, SaysThatAContainerRanWithoutNoNewPrivs) {
  evidence::Evidence evidence = policy::sample::evidence_of(
      {policy::sample::process({fact("read")})}, kFirst.c_str());
  evidence.processes[0].syscalls[0].by =
      policy::sample::seen(1, "serving", kFirst.c_str());
  evidence.recordings[0].runtime = "runc";
  Captured w;
  const auto said = [&](bool no_new_privs, const std::string& target) {
    evidence.recordings[0].no_new_privs = no_new_privs;
    w.files.files = {{"a.json", evidence::print(evidence)}};
    w.files.files["out/bundle.yaml"] =
        "schema: vambrace.bundle/v1\nworkload:\n  id: web\n" + target;
    w.output.answer.clear();
    EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0) << w.output.error;
    return w.output.answer;
  };
  const std::string without =
      "target:\n  name: docker\n  no_new_privs: false\n";
  EXPECT_THAT(said(false, "target: docker\n"),
              HasSubstr("recorded without it"));
  EXPECT_THAT(said(true, "target: docker\n"),
              Not(HasSubstr("recorded without")));
  EXPECT_THAT(said(false, without), Not(HasSubstr("recorded without")));
}

TEST(Synth, ExplainShowsTheFirstOfManyUsesUnlessAllAreAskedFor) {
  evidence::Evidence evidence = policy::sample::evidence_of({}, kFirst.c_str());
  for (int i = 0; i < 8; ++i) {
    auto process = policy::sample::process({fact("read")});
    process.key.exe = fmt::format("/bin/app{}", i);
    process.syscalls[0].by = policy::sample::seen(1, "serving", kFirst.c_str());
    evidence.processes.push_back(process);
  }
  Captured w;
  w.files.files["a.json"] = evidence::print(evidence);
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0) << w.output.error;
  w.output.answer.clear();
  EXPECT_EQ(w.run({"explain", "out", "read"}), 0) << w.output.error;
  EXPECT_THAT(w.output.answer, HasSubstr("app4"));
  EXPECT_THAT(w.output.answer, HasSubstr("... and 3 more"));
  w.output.answer.clear();
  EXPECT_EQ(w.run({"explain", "out", "read", "--all"}), 0);
  EXPECT_THAT(w.output.answer, Not(HasSubstr("more")));
  EXPECT_THAT(w.output.answer, HasSubstr("app7"));
}

TEST(Synth, TheSameAgainWritesNothing) {
  Captured w = world();
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0);
  w.files.written.clear();
  EXPECT_EQ(w.run({"synth", "-o", "out"}), 0) << w.output.error;
  EXPECT_THAT(w.files.written, IsEmpty());
  EXPECT_THAT(w.output.answer, HasSubstr("unchanged"));
}

TEST(Synth, OptionsChangeTheirLinesOfAnExistingManifest) {
  Captured w = world();
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0);
  w.files.files["out/bundle.yaml"] += "# kept\n";
  EXPECT_EQ(w.run({"synth", "-o", "out", "--target", "crun", "--stage",
                   "observe", "--resilient", "libc"}),
            0)
      << w.output.error;
  const std::string& yaml = w.files.files["out/bundle.yaml"];
  EXPECT_THAT(yaml, HasSubstr("target: crun\n"));
  EXPECT_THAT(yaml, HasSubstr("stage: observe\n"));
  EXPECT_THAT(yaml, HasSubstr("resilient libc"));
  EXPECT_THAT(yaml, HasSubstr("# kept\n"));
  EXPECT_EQ(w.run({"synth", "-o", "out", "--id", "spiffe://local/b"}), 2);
}

TEST(Synth, ReplayNamesWhatTheEvidenceLacked) {
  Captured w = world();
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0);
  EXPECT_EQ(w.run({"replay", "out", "b.json"}), 1);
  EXPECT_THAT(w.output.answer, HasSubstr("denied: syscall splice by /bin/app"));
  EXPECT_THAT(w.output.answer, Not(HasSubstr("denied: syscall read")));
}

TEST(Synth, EvidenceThatWasNotGivenIsTold) {
  Captured w = world();
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0);
  EXPECT_EQ(w.run({"synth", "b.json", "-o", "out"}), 0);
  EXPECT_THAT(w.output.answer, HasSubstr("evidence/" + kFirst + ".json"));
  EXPECT_EQ(w.run({"replay", "out"}), 1);
}

TEST(Synth, EvidenceOfAnotherWorkloadIsRefused) {
  Captured w = world();
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0);
  std::string& text = w.files.files["b.json"];
  text.replace(text.find("local/app"), 9, "local/dba");
  const auto before = w.files.files;
  EXPECT_EQ(w.run({"synth", "b.json", "-o", "out"}), 2);
  EXPECT_THAT(w.output.error, HasSubstr(kFirst));
  EXPECT_EQ(w.files.files, before);
}

TEST(Synth, AnEditThatWasNotRenderedIsNamed) {
  Captured w = world();
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0);
  std::string& yaml = w.files.files["out/bundle.yaml"];
  yaml.replace(yaml.find("stage: harden"), 13, "stage: allow");
  EXPECT_EQ(w.run({"replay", "out"}), 2);
  EXPECT_THAT(w.output.error, HasSubstr("vambrace synth -o out"));
  EXPECT_EQ(w.run({"synth", "-o", "out"}), 0);
  EXPECT_EQ(w.run({"replay", "out"}), 0);
}

TEST(Synth, BadInputWritesNothing) {
  Captured w = world();
  w.files.files["cut.json"] = w.files.files["a.json"].substr(0, 200);
  w.files.files["new.json"] = w.files.files["a.json"];
  std::string& text = w.files.files["new.json"];
  text.replace(text.find("evidence/v1"), 11, "evidence/v9");
  w.files.written.clear();
  EXPECT_EQ(w.run({"synth", "cut.json", "-o", "out"}), 2);
  EXPECT_EQ(w.run({"synth", "new.json", "-o", "out"}), 2);
  EXPECT_EQ(w.run({"synth", "none.json", "-o", "out"}), 2);
  EXPECT_EQ(w.run({"synth", "-o", "out"}), 2);
  EXPECT_EQ(w.run({"synth", "a.json"}), 2);
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out", "--stage", "hard"}), 2);
  EXPECT_EQ(w.run({"replay", "out"}), 2);
  EXPECT_THAT(w.files.written, IsEmpty());
}

TEST(Synth, AFullDiskLeavesTheOldBundle) {
  Captured w = world();
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0);
  const auto before = w.files.files;
  w.files.writes_until_full = w.files.written.size();
  EXPECT_EQ(w.run({"synth", "b.json", "-o", "out"}), 4);
  EXPECT_EQ(w.files.files, before);
}

}  // namespace
}  // namespace vambrace::cli
